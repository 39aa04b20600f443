#pragma once

#include <algorithm>

#include "kernels/kernels.hpp"
#include "uwm/matrix.hpp"
#include "uwm/random.hpp"

namespace uwm {

/// Random words of a few samples at a time, in memory of its own.
class WordBuffer {
 public:
  static constexpr Index size = 1024;
  static_assert(size % kernels::words_block == 0);

  /// How many samples of n units fit; a single one may have to go in pieces of `size` units.
  static Index samples(Index n) { return std::max<Index>(1, size / round_up(n)); }

  /// The words of units first ... first + n of consecutive samples, one row of n words after the other. n is at most
  /// `size` and `first` a multiple of 4.
  const std::uint32_t* draw(const Position& position, Stream stream, std::uint32_t layer, Index sample, Index samples,
                            Index first, Index n) {
    kernels::level().words({.seed = position.seed,
                            .step = position.step,
                            .stream = static_cast<std::uint32_t>(stream),
                            .layer = layer,
                            .sample = static_cast<std::uint32_t>(sample),
                            .samples = samples,
                            .first = first,
                            .n = n},
                           words_);
    const Index stride = round_up(n);
    if (stride != n)
      for (Index s = 1; s < samples; ++s) std::copy_n(words_ + s * stride, n, words_ + s * n);
    return words_;
  }

 private:
  static Index round_up(Index n) { return (n + 3) / 4 * 4; }

  std::uint32_t words_[size];
};

}  // namespace uwm
