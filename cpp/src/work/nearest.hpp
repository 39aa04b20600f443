#pragma once

#include <algorithm>
#include <limits>

namespace uwm {

/// The T nearest to x that is finite: what overflows becomes the largest number of its sign.
template <class T>
T nearest(double x) {
  constexpr double most = std::numeric_limits<T>::max();
  return static_cast<T>(std::clamp(x, -most, most));
}

}  // namespace uwm
