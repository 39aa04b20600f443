#pragma once

#include <cstdint>
#include <vector>

#include "uwm/units.hpp"

namespace uwm {

/// What a network is made with besides its sizes and its output.
struct NetworkOptions {
  Units units = Units::binary;
  std::vector<double> temperature = {1.0};  ///< one number, or one per layer
  std::uint64_t seed = 0;
  /// Empty for automatic initial weights; or what multiplies Glorot's, one number or one per layer.
  std::vector<double> initial_gain = {};
};

}  // namespace uwm
