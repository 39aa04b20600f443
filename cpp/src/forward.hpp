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

/// False if a parameter was NaN or infinite, which shows in a logit, and there are far fewer of those; or out of range.
template <class T>
bool finite_logits(const Sample<T>& sample);

/// What to say where they are not: the first parameter that is not finite, if there is one.
template <class T>
std::string why_not_finite(const Network<T>& net);

}  // namespace uwm
