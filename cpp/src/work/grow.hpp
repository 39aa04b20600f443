#pragma once

#include <cstddef>
#include <vector>

namespace uwm {

/// Room for n numbers. Working memory that layers of different sizes share never shrinks: nothing is allocated or
/// cleared once it has met the largest.
template <class T>
void grow(std::vector<T>& memory, std::ptrdiff_t n) {
  if (memory.size() < static_cast<std::size_t>(n)) memory.resize(static_cast<std::size_t>(n));
}

}  // namespace uwm
