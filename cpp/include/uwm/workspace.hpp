#pragma once

#include <vector>

#include "uwm/threads.hpp"

namespace uwm {

/// The memory and the threads that a computation works with. They say nothing about its result, so a copy starts
/// without them. Memory is kept from call to call: once it has met the largest layer, nothing is allocated.
template <class T = float>
struct Workspace {
  Workspace() = default;
  Workspace(const Workspace&) {}
  Workspace& operator=(const Workspace&) { return *this; }

  std::vector<T> scratch;      ///< of the kernels
  std::vector<double> logit;   ///< of one sample
  Threads* threads = nullptr;  ///< who shares the work on this batch; null: the caller alone
};

}  // namespace uwm
