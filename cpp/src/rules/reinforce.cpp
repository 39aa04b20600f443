// REINFORCE: T_i = R for every unit.

#include "rules/about.hpp"
#include "rules/pay.hpp"

namespace uwm {

RuleClass Reinforce::about() {
  return {.name = "Reinforce",
          .documentation = R"(
REINFORCE (Williams, 1992): T_i = R for every unit. Unbiased; its variance grows with the number of units.
)",
          .rules = {about_rule<Reinforce>({.unbiased = true, .description = "every unit is paid the reward"})}};
}

template <class T>
void Reinforce::compute(const Network<T>&, const Sample<T>& sample, const Vector<double>& reward,
                        UnitRewards<T>& out) const {
  out.resize_like(sample);
  for (auto& t : out.layers) pay_everywhere(reward, t);
}

UWM_INSTANTIATE_RULE(Reinforce)

}  // namespace uwm
