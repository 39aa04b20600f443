#pragma once

#include "uwm/rules.hpp"

// What every rule does: it pays the output layer the reward itself.

namespace uwm {

/// By rows: Eigen would make a temporary of a vector that it repeats.
template <class T>
void pay_everywhere(const Vector<double>& reward, Matrix<T>& t) {
  for (Index s = 0; s < t.rows(); ++s) t.row(s).setConstant(static_cast<T>(reward[s]));
}

/// The output layer is paid the reward itself, in every rule.
template <class T>
void reward_output(const Sample<T>& sample, const Vector<double>& reward, UnitRewards<T>& out) {
  out.resize_like(sample);
  pay_everywhere(reward, out.layers.back());
}

/// Defines a rule's `compute` in both precisions.
#define UWM_INSTANTIATE_RULE(Rule)                                                                                     \
  template void Rule::compute(const Network<float>&, const Sample<float>&, const Vector<double>&, UnitRewards<float>&) \
      const;                                                                                                           \
  template void Rule::compute(const Network<double>&, const Sample<double>&, const Vector<double>&,                    \
                              UnitRewards<double>&) const;

}  // namespace uwm
