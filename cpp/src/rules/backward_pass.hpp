#pragma once

#include <cmath>

#include "rules/delta.hpp"
#include "rules/pay.hpp"
#include "work/memory.hpp"
#include "work/multiply.hpp"
#include "work/nearest.hpp"
#include "work/scaled.hpp"

// What the rules share that hand credit down along weights, or along what stands in the place of weights, v:
//
//     T_i = f_i sum_j v_ji delta_j      delta_j = T_j (h_j - p_j)

namespace uwm {

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
  const Index batch = sample.batch(), n_upper = out.layers[l + 1].cols();
  auto& sums = out.layers[l];
  auto& memory = out.work.memory();
  multiply(sample.work.threads(),
           kernels::Product<T>{.m = batch,
                               .n = sums.cols(),
                               .k = n_upper,
                               .all_rows = batch,
                               .a = deltas(sample, l + 1, out, memory.delta),
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
           memory.scratch);
  split(sample.work.threads(), batch, grain_of(sums.cols()), [&](Index begin, Index end, int) {
    for (Index s = begin; s < end; ++s) finish(sums.row(s), s);
  });
  const auto& kernel = kernels::active<T>();
  if (std::isfinite(kernel.max_abs(sums.size(), sums.data()))) return;
  const Scaled scaled(v, n_upper, sums.cols());
  for (Index s = 0; s < batch; ++s)
    if (!std::isfinite(kernel.max_abs(sums.cols(), sums.row(s).data())))
      sum_deltas_scaled(sample, l, s, scaled, scale, out, finish);
}

/// The same with f_i = c_i q_i, as if mean activations had been passed on. v_ji is in the place of w_ji, and like that
/// still to be divided by the temperature.
template <class T>
void pass_straight_through(const Network<T>& net, const Sample<T>& sample, std::size_t l, const T* v,
                           UnitRewards<T>& out) {
  // the mean activation is p, or 2p - 1 for bipolar units: flip_step brings the factor
  const auto& layer = sample.layers[l];
  sum_deltas(sample, l, v, net.flip_step(l + 1), out, [&](auto t, Index s) {
    const T* q = layer.likelihood.row(s).data();
    const T* e = layer.eligibility.row(s).data();
    T* const out_s = t.data();
    for (Index i = 0, n = t.size(); i < n; ++i) out_s[i] *= std::copysign(q[i], e[i]);  // c_i q_i
  });
}

}  // namespace uwm
