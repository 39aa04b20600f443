#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "uwm/network.hpp"

namespace uwm {

/// log(1 + exp(x)) for any x.
inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

/// c_i, the sign of the action taken, which is that of the eligibility, zero included.
template <class T>
T action_sign(T eligibility) {
  return std::signbit(eligibility) ? T(-1) : T(1);
}

/// Bernoulli-logistic units: draws their actions from `layer.logit` and fills in everything else.
template <class T>
void draw_units(const Position& position, std::uint32_t index, Units units, LayerSample<T>& layer,
                Threads* threads = nullptr);

/// The same from the activations that stand in `layer`.
template <class T>
void evaluate_units(Units units, LayerSample<T>& layer);

}  // namespace uwm
