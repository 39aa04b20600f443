// Rules that hand credit down along the weights, with delta_j = T_j (h_j - p_j):
//
//     straight-through      T_i = c_i q_i sum_j w_ji delta_j
//     Weight Maximization   T_i = h_i sum_j |w_ji|^(p-1) sgn(w_ji) delta_j

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/about.hpp"
#include "rules/backward_pass.hpp"
#include "work/message.hpp"

namespace uwm {

RuleClass StraightThrough::about() {
  return {
      .name = "StraightThrough",
      .documentation = R"(
Straight-through backpropagation (Bengio, Leonard and Courville, 2013): T_i = c_i q_i sum_j w_ji T_j (h_j - p_j), twice that for
bipolar units. Biased: right to first order in the weights only.
)",
      .rules = {about_rule<StraightThrough>({.unbiased = false, .description = "straight-through backpropagation"})}};
}

template <class T>
void StraightThrough::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                              UnitRewards<T>& out) const {
  reward_output(sample, reward, out);
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;)
    pass_straight_through(net, sample, l, net.layers()[l + 1].weight.data(), out);
}

RuleClass WeightMax::about() {
  return {.name = "WeightMax",
          .documentation = R"(
Weight Maximization (Chung, arXiv 2010.09770): a hidden unit is paid the growth of its outgoing weights,
T_i = h_i sum_j |w_ji|^(norm-1) sgn(w_ji) T_j (h_j - p_j), with h_i as it is encoded, 0 / 1 or -1 / +1. Biased: right to first
order in the weights for norm 2, and not even that for others.
)",
          .rules = {about_rule<WeightMax>(
              {.unbiased = false, .description = "a unit is paid the growth of its outgoing weights"})}};
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
      auto& feedback = out.work.memory().feedback;
      grow(feedback, upper.weight.size());
      std::transform(upper.weight.data(), upper.weight.data() + upper.weight.size(), feedback.begin(), [=](T w) {
        const T power = std::min(std::pow(std::abs(w / temperature), exponent), std::numeric_limits<T>::max());
        return w > 0 ? power : w < 0 ? -power : T(0);
      });
      sum_deltas(sample, l, feedback.data(), T(1), out, finish);
    }
  }
}

UWM_INSTANTIATE_RULE(StraightThrough)
UWM_INSTANTIATE_RULE(WeightMax)

}  // namespace uwm
