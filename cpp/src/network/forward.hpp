#pragma once

#include <string>

#include "uwm/network.hpp"

namespace uwm {

/// Throws ValueError unless x is a batch of inputs for this network.
template <class T>
void check_input(const Network<T>& net, const ConstMatrixRef<T>& x);

/// Gives the sample the shapes that a batch of this network needs.
template <class T>
void resize_like(const Network<T>& net, Index batch, Sample<T>& sample);

/// The forward pass from `sample.input`, unchecked: shapes and numbers are the caller's care.
template <class T>
void draw_forward(Network<T>& net, Sample<T>& sample);

/// What is not finite in a sample, and why; empty if everything is. A parameter that is NaN or infinite shows in a
/// logit, and there are far fewer of those.
template <class T>
std::string why_not_finite(const Network<T>& net, const Sample<T>& sample);

}  // namespace uwm
