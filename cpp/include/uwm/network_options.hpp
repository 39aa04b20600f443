#pragma once

#include <cstdint>
#include <vector>

#include "uwm/units.hpp"

namespace uwm {

/// The largest initial gain. Beyond it a weight is as good as infinite: one input decides.
inline constexpr double max_initial_gain = 1e6;

/// What a network is made with besides its sizes and its output.
struct NetworkOptions {
  Units units = Units::binary;
  std::vector<double> temperature = {1.0};  ///< one number, or one per layer
  std::uint64_t seed = 0;
  /// Empty for automatic initial weights; or what multiplies Glorot's, one number or one per layer.
  std::vector<double> initial_gain = {};
};

}  // namespace uwm
