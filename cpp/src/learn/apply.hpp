#pragma once

#include <string>

#include "uwm/optimizer.hpp"

namespace uwm {

/// How closely an update is watched for numbers that overflow. `parameters` looks at gradient, parameters and moments.
/// `gradient` looks at the gradient alone, which costs next to nothing; parameters that were huge before it are met by
/// the next forward pass.
enum class Watch { gradient, parameters };

/// One update or none. Returns what keeps it from being made: a gradient that is not finite, or a parameter or moment
/// that would not be. After an update the text is empty. That the shapes fit is the caller's care.
template <class T>
std::string apply_gradient(Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Watch watch,
                           Threads* threads);

}  // namespace uwm
