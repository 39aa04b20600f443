// Flip difference: T_i = q_i sum_j (1 - kappa_ji) T_j, two-sided Unbiased Weight Maximization without its products.
// It is the hidden-layer recursion of path sample-analytic gradients (PSA; Shekhovtsov, Yanush and Flach, 2020).

#include <cmath>

#include "rules/about.hpp"
#include "rules/flip_pass.hpp"

namespace uwm {

namespace {

template <class T>
void difference_rewards(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                        UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    auto& pass = out.work.memory().flips[l];
    if (joint_above(net, l))
      joint_advantage(net, sample, l, reward, out);
    else
      flip(FlipForm::difference, net, sample, l, out);
    combine_rows(sample, l, out, [&](const auto& q, const auto&, Index s) {
      const auto a = pass.advantage.row(s);
      out.layers[l].row(s) = q.cwiseProduct(a);
      return kernel.max_abs(a.size(), a.data()) <= kernels::Range<T>::odds * static_cast<T>(std::abs(reward[s]));
    });
  }
}

}  // namespace

RuleClass FlipDifference::about() {
  return {.name = "FlipDifference",
          .documentation = R"(
T_i = q_i sum_j (1 - kappa_ji) T_j: two-sided Unbiased Weight Maximization without its products. Biased: it ignores the joint
effects of the units above.
)",
          .rules = {about_rule<FlipDifference>(
              {.aliases = {"psa"},
               .unbiased = false,
               .description = "two-sided without its products; PSA's recursion in hidden layers"})}};
}

template <class T>
void FlipDifference::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                             UnitRewards<T>& out) const {
  weigh_flips(FlipForm::difference, net, sample, reward, out,
              [](const auto& n, const auto& s, const auto& r, auto& t) { difference_rewards(n, s, r, t); });
}

UWM_INSTANTIATE_RULE(FlipDifference)

}  // namespace uwm
