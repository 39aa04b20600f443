#pragma once

#include <functional>
#include <string>

#include "uwm/optimizer.hpp"

namespace uwm {

/// How closely an update is watched for numbers that overflow. `parameters` looks at gradient, parameters and moments.
/// `gradient` looks at the gradient alone, which costs next to nothing. Parameters that were huge before the update may
/// then overflow; the next forward pass refuses them.
enum class Watch { gradient, parameters };

/// Makes one update or none. Returns an empty text after an update. Otherwise returns why it was not made: the gradient
/// is not finite, or a parameter or moment would not be. The caller has checked that the shapes fit.
///
/// `meanwhile` is called when nothing can fail any more but itself. If it throws, the update is not made.
template <class T>
std::string apply_gradient(
    Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Watch watch, Threads* threads,
    const std::function<void()>& meanwhile = [] {});

}  // namespace uwm
