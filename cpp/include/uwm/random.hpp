#pragma once

#include <array>
#include <cstdint>

#include "uwm/export.hpp"

namespace uwm {

/// What a random number is for; numbers of different streams are independent.
enum class Stream : std::uint32_t {
  activations = 0,
  parameters = 1,
  task_inputs = 2,
  task_rewards = 3,
  feedback = 4,
  predictions = 5
};

/// The seed and the step of a draw. A random word is a function of (seed, step, stream, layer, sample, unit) alone:
/// threads, the order of the work and the instruction set do not change it.
struct Position {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;  ///< below 2^48
};

/// Layers are numbered in 12 bits of the counter and steps in 48.
inline constexpr std::uint32_t max_layers = 1u << 12;
inline constexpr std::uint64_t max_step = std::uint64_t{1} << 48;

/// The word of one unit of one sample.
UWM_EXPORT std::uint32_t random_word(const Position& position, Stream stream, std::uint32_t layer, std::uint32_t sample,
                                     std::uint32_t unit);

/// (word + 1/2) / 2^32, strictly between 0 and 1.
UWM_EXPORT double uniform(std::uint32_t word);

/// The four words that Philox 4x32-10 makes of a counter and a key
/// (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
UWM_EXPORT std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 4>& counter,
                                               const std::array<std::uint32_t, 2>& key);

}  // namespace uwm
