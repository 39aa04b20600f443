#pragma once

#include <cstddef>
#include <vector>

#include "uwm/matrix.hpp"

namespace uwm {

/// Makes room for n numbers. Layers of different sizes share working memory, so it never shrinks: once it has met the
/// largest layer, nothing is allocated or cleared.
template <class T>
void grow(std::vector<T>& memory, std::ptrdiff_t n) {
  if (memory.size() < static_cast<std::size_t>(n)) memory.resize(static_cast<std::size_t>(n));
}

/// The same for memory that is written before it is read. It is not cleared: the kernels take more than a small network
/// needs, and to clear that would cost more than a step on such a network does.
template <class T>
void grow(Vector<T>& memory, Index n) {
  if (memory.size() < n) memory.resize(n);
}

}  // namespace uwm
