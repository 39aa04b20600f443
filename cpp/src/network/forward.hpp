#pragma once

#include <string>

#include "uwm/network.hpp"

namespace uwm {

/// Draws the actions of the batch in `sample.input` and advances the network's step. Returns why a number of the sample
/// is not finite, or an empty text. If it returns a reason, the step is as it was and the sample is empty.
///
/// The caller has checked the inputs and the shapes of the parameters, and has called resize_like. That the parameters
/// are finite is seen from the logits, of which there are far fewer: a non-finite parameter makes a logit non-finite.
template <class T>
[[nodiscard]] std::string forward_or_restore(Network<T>& net, Sample<T>& sample);

/// Throws ValueError unless x is a batch of inputs for this network.
template <class T>
void check_input(const Network<T>& net, const ConstMatrixRef<T>& x);

/// Gives the sample the shapes that a batch of this network needs.
template <class T>
void resize_like(const Network<T>& net, Index batch, Sample<T>& sample);

/// The logits of layer l, z = (W h + b) / temperature, from the activation of the layer below.
template <class T>
void logits(const Network<T>& net, std::size_t l, Sample<T>& sample);

/// Why a number of the sample is not finite; empty if all are finite.
template <class T>
[[nodiscard]] std::string why_not_finite(const Network<T>& net, const Sample<T>& sample);

}  // namespace uwm
