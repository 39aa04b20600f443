// REINFORCE: T_i = R for every unit.

#include "rules/pay.hpp"

namespace uwm {

template <class T>
void Reinforce::compute(const Network<T>&, const Sample<T>& sample, const Vector<double>& reward,
                        UnitRewards<T>& out) const {
  out.resize_like(sample);
  for (auto& t : out.layers) pay_everywhere(reward, t);
}

UWM_INSTANTIATE_RULE(Reinforce)

}  // namespace uwm
