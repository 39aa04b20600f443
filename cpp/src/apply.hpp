#pragma once

#include "uwm/optimizer.hpp"

namespace uwm {

/// One update, unchecked: that optimizer, network and gradient fit and are finite is the caller's care.
template <class T>
void apply_gradient(Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Threads* threads);

}  // namespace uwm
