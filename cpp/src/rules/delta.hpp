#pragma once

#include <vector>

#include "uwm/rule.hpp"
#include "work/grain.hpp"
#include "work/grow.hpp"

namespace uwm {

/// delta_j = T_j (h_j - p_j) of layer l, (batch, n_l), which the update and the passes along weights are made of.
/// `memory` holds it until it is used again.
template <class T>
const T* deltas(const Sample<T>& sample, std::size_t l, const UnitRewards<T>& unit_rewards, std::vector<T>& memory) {
  const auto& t = unit_rewards.layers[l];
  const auto& e = sample.layers[l].eligibility;
  const Index n = t.cols();
  grow(memory, t.size());
  split(sample.work.threads(), t.rows(), grain_of(n), [&](Index begin, Index end, int) {
    Eigen::Map<Matrix<T>>(memory.data() + begin * n, end - begin, n) =
        t.middleRows(begin, end - begin).cwiseProduct(e.middleRows(begin, end - begin));
  });
  return memory.data();
}

}  // namespace uwm
