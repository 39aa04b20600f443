#pragma once

#include <algorithm>

#include "uwm/threads.hpp"

namespace uwm {

// Costs are counted in multiply-adds of a matrix product. They were measured on one machine, an AMD EPYC with AVX-512.

/// A smaller piece of work is not worth another thread. So many take 11 us in float32 and 23 us in float64. A sleeping
/// thread takes 104 us and more to wake, but threads wait awake while training runs (threads.cpp).
inline constexpr Index worthwhile = 1 << 19;

/// To draw a unit's action: measured 75 to 86.
inline constexpr Index draw_cost = 80;
/// To make a unit's reward of what was handed down: the posterior-weighted rule's, measured 10 in float32, 14 in
/// float64.
inline constexpr Index combine_cost = 12;
/// To update a parameter: Adam's, measured 15 to 22.
inline constexpr Index update_cost = 16;
/// To weigh the flip of a unit by one unit above: measured 7 in batches of 16 to 16 for one sample in float32, 9 to 24
/// in float64; in the forms that look from both sides 15 to 28, and 16 to 34.
inline constexpr Index flip_cost = 10, posterior_flip_cost = 20;

/// How many items of that cost make a piece that is worthwhile. Eights keep two threads from writing to one cache line
/// of 64 bytes where an item is one float64.
inline Index grain_of(Index cost) { return std::max<Index>(8, (worthwhile / std::max<Index>(1, cost) + 7) / 8 * 8); }

}  // namespace uwm
