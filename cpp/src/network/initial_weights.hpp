#pragma once

#include <vector>

#include "uwm/layer.hpp"
#include "uwm/network_options.hpp"
#include "uwm/output.hpp"

namespace uwm {

/// Fills in the parameters that a network begins with, from the seed and the initial gain of the options. The layers
/// have their shapes and temperatures already.
template <class T>
void draw_initial_weights(const NetworkOptions& options, const Output<T>& output, std::vector<Layer<T>>& layers);

}  // namespace uwm
