// Flip difference: T_i = q_i sum_j (1 - kappa_ji) T_j, two-sided Unbiased Weight Maximization without its products.
// It is the hidden-layer recursion of path sample-analytic gradients (PSA; Shekhovtsov, Yanush and Flach, 2020).

#include "rules/about.hpp"
#include "rules/flip_pass.hpp"

namespace uwm {

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
  weigh_flips(FlipForm::difference, net, sample, reward, out, [](const auto& n, const auto& s, const auto& r, auto& t) {
    advantage_rewards(FlipForm::difference, n, s, r, t);
  });
}

UWM_INSTANTIATE_RULE(FlipDifference)

}  // namespace uwm
