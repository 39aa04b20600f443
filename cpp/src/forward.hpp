#pragma once

#include "uwm/network.hpp"

namespace uwm {

/// Gives the sample the shapes that a batch of this network needs.
template <class T>
void resize_like(const Network<T>& net, Index batch, Sample<T>& sample);

/// The forward pass from `sample.input`, unchecked: shapes and numbers are the caller's care.
template <class T>
void draw_forward(Network<T>& net, Sample<T>& sample);

}  // namespace uwm
