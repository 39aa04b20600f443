#pragma once

#include <cmath>

#include "uwm/network.hpp"
#include "work/message.hpp"

namespace uwm {

/// How far a flip of a unit below moves z_j of this layer, for a weight of 1: 1 / tau, or 2 / tau for bipolar units. In
/// double precision whatever the network's: large logits need it.
template <class T>
double flip_distance(const Network<T>& net, std::size_t layer) {
  return (net.units() == Units::bipolar ? 2.0 : 1.0) / static_cast<double>(net.layers()[layer].temperature);
}

/// The kernels form 1 - kappa of a weight w as a difference of two numbers near 1. Where no weight reaches this one,
/// the difference has too few digits left in single precision, and double precision takes over.
template <class T>
inline constexpr T least_weight = sizeof(T) == sizeof(float) ? T(1e-3) : T(0);

/// lambda = exp(log_ratio), and gain = 1 - lambda.
template <class T>
void write_ratio(double log_ratio, T& ratio, T& gain) {
  ratio = static_cast<T>(std::exp(log_ratio));
  gain = static_cast<T>(-std::expm1(log_ratio));
}

/// Output::log_ratio, refused where it is no number.
template <class T>
double checked_log_ratio(const Output<T>& output, const OutputMove<T>& move) {
  const double log_ratio = output.log_ratio(move);
  require(!std::isnan(log_ratio), "the output '", output.name(), "' has no likelihood ratio here: log_ratio gave NaN");
  return log_ratio;
}

}  // namespace uwm
