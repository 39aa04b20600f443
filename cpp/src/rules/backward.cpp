// Rules that hand credit down along the weights, with delta_j = T_j (h_j - p_j):
//
//     straight-through      T_i = c_i q_i sum_j w_ji delta_j
//     Weight Maximization   T_i = h_i sum_j |w_ji|^(p-1) sgn(w_ji) delta_j

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/pay.hpp"
#include "work/message.hpp"
#include "work/multiply.hpp"
#include "work/nearest.hpp"
#include "work/scaled.hpp"

namespace uwm {

namespace {

/// Row s of the sums below where they have left the range of T.
template <class T, class F>
void sum_deltas_scaled(const Sample<T>& sample, std::size_t l, Index s, const Scaled& v, T scale, UnitRewards<T>& out,
                       F finish) {
  const auto& upper = out.layers[l + 1];
  const Scaled t(upper.row(s).data(), 1, upper.cols());
  const Scaled e(sample.layers[l + 1].eligibility.row(s).data(), 1, upper.cols());
  auto sums = out.layers[l].row(s);
  sums = (t.m.cwiseProduct(e.m) * v.m).template cast<T>();
  finish(sums, s);
  const int exponent = t.exponent + e.exponent + v.exponent;
  for (Index i = 0; i < sums.size(); ++i) sums[i] = nearest_scaled<T>(double(sums[i]) * double(scale), exponent);
}

/// T (batch, n_l) = scale * sum_j v_ji delta_j with delta_j = T_j (h_j - p_j) of layer l+1, v (n_{l+1}, n_l); then
/// finish(row of T, s) for every sample, which multiplies by factors of at most 1.
template <class T, class F>
void sum_deltas(const Sample<T>& sample, std::size_t l, const T* v, T scale, UnitRewards<T>& out, F finish) {
  const auto& upper = out.layers[l + 1];
  const auto& e = sample.layers[l + 1].eligibility;
  const Index batch = sample.batch(), n_upper = upper.cols();
  auto& sums = out.layers[l];
  grow(out.delta, upper.size());
  split(sample.work.threads, batch, grain_of(n_upper), [&](Index begin, Index end, int) {
    Eigen::Map<Matrix<T>>(out.delta.data() + begin * n_upper, end - begin, n_upper) =
        upper.middleRows(begin, end - begin).cwiseProduct(e.middleRows(begin, end - begin));
  });
  multiply(sample.work.threads,
           kernels::Product<T>{.m = batch,
                               .n = sums.cols(),
                               .k = n_upper,
                               .all_rows = batch,
                               .a = out.delta.data(),
                               .a_row = n_upper,
                               .a_column = 1,
                               .b = v,
                               .b_row = sums.cols(),
                               .b_column = 1,
                               .c = sums.data(),
                               .c_row = sums.cols(),
                               .alpha = scale,
                               .bias = nullptr,
                               .scratch = nullptr},
           out.scratch);
  split(sample.work.threads, batch, grain_of(sums.cols()), [&](Index begin, Index end, int) {
    for (Index s = begin; s < end; ++s) finish(sums.row(s), s);
  });
  const auto& kernel = kernels::active<T>();
  if (std::isfinite(kernel.max_abs(sums.size(), sums.data()))) return;
  const Scaled scaled(v, n_upper, sums.cols());
  for (Index s = 0; s < batch; ++s)
    if (!std::isfinite(kernel.max_abs(sums.cols(), sums.row(s).data())))
      sum_deltas_scaled(sample, l, s, scaled, scale, out, finish);
}

}  // namespace

template <class T>
void StraightThrough::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                              UnitRewards<T>& out) const {
  reward_output(sample, reward, out);
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    // the mean activation is p, or 2p - 1 for bipolar units: flip_step brings the factor
    const auto& layer = sample.layers[l];
    sum_deltas(sample, l, net.layers()[l + 1].weight.data(), net.flip_step(l + 1), out, [&](auto t, Index s) {
      const T* q = layer.likelihood.row(s).data();
      const T* e = layer.eligibility.row(s).data();
      T* const out_s = t.data();
      for (Index i = 0, n = t.size(); i < n; ++i) out_s[i] *= std::copysign(q[i], e[i]);  // c_i q_i
    });
  }
}

WeightMax::WeightMax(double norm) : norm_(norm) {
  require(norm >= 1 && std::isfinite(norm), "norm must be at least 1 and finite, got ", norm);
}

template <class T>
void WeightMax::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                        UnitRewards<T>& out) const {
  reward_output(sample, reward, out);
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    const auto& upper = net.layers()[l + 1];
    const auto finish = [&](auto t, Index s) { t.array() *= sample.layers[l].activation.row(s).array(); };
    if (norm_ == 2) {
      sum_deltas(sample, l, upper.weight.data(), 1 / upper.temperature, out, finish);
    } else {
      const T exponent = static_cast<T>(norm_ - 1), temperature = upper.temperature;
      grow(out.power, upper.weight.size());
      std::transform(upper.weight.data(), upper.weight.data() + upper.weight.size(), out.power.begin(), [=](T w) {
        const T power = std::min(std::pow(std::abs(w / temperature), exponent), std::numeric_limits<T>::max());
        return w > 0 ? power : w < 0 ? -power : T(0);
      });
      sum_deltas(sample, l, out.power.data(), T(1), out, finish);
    }
  }
}

UWM_INSTANTIATE_RULE(StraightThrough)
UWM_INSTANTIATE_RULE(WeightMax)

}  // namespace uwm
