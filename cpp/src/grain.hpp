#pragma once

#include <algorithm>

#include "uwm/threads.hpp"

namespace uwm {

/// Pieces of work smaller than this many multiply-adds are not worth a thread's waking.
inline constexpr Index worthwhile = 1 << 18;

/// How many items of that cost, in multiply-adds, make a piece worth sharing. It is at least 16: products of fewer rows
/// add in another order (product.inl.hpp), and no result may depend on how the work is cut.
inline Index grain_of(Index cost) {
  return std::max<Index>(16, (worthwhile / std::max<Index>(1, cost) + 15) / 16 * 16);
}

}  // namespace uwm
