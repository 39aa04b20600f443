#pragma once

#include <cstddef>
#include <vector>

namespace uwm {

/// Makes room for n numbers. Layers of different sizes share working memory, so it never shrinks: once it has met the
/// largest layer, nothing is allocated or cleared.
template <class T>
void grow(std::vector<T>& memory, std::ptrdiff_t n) {
  if (memory.size() < static_cast<std::size_t>(n)) memory.resize(static_cast<std::size_t>(n));
}

}  // namespace uwm
