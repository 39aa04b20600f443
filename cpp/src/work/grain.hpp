#pragma once

#include <algorithm>

#include "uwm/threads.hpp"

namespace uwm {

/// Pieces of work smaller than this many multiply-adds are not worth a thread's waking.
inline constexpr Index worthwhile = 1 << 19;

/// What else costs as much as so many multiply-adds: to draw a unit's action, to make its reward of what was handed
/// down, to update a parameter, and to weigh a flip of its action by one unit above.
inline constexpr Index draw_cost = 80, combine_cost = 30, update_cost = 16, flip_cost = 10, posterior_flip_cost = 20;

/// How many items of that cost, in multiply-adds, make a piece worth sharing.
inline Index grain_of(Index cost) { return std::max<Index>(8, (worthwhile / std::max<Index>(1, cost) + 7) / 8 * 8); }

}  // namespace uwm
