#pragma once

#include <algorithm>
#include <limits>

namespace uwm {

/// The finite T that is nearest to x. A number that overflows becomes the largest of its sign.
template <class T>
T nearest(double x) {
  constexpr double most = std::numeric_limits<T>::max();
  return static_cast<T>(std::clamp(x, -most, most));
}

}  // namespace uwm
