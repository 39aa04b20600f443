#pragma once

#include <vector>

#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/schedule.hpp"

namespace uwm {

/// The learning rates that Adam takes for a network when it is given none, one per layer; docs/step-sizes.md says why.
///
/// The rate of a layer is c / (fan in + 1) / sqrt(1 + t / 1000) at update t, counted from 0, times the temperature: a
/// step of Adam moves every weight by about the rate, and so a logit by about c. Layers above the first reach it
/// within 200 updates. c is 1 for hidden units, and less for an output (Output::automatic_rate).
///
///     auto rates = uwm::automatic_rates(net);
///     rates[0] = 1e-3;              // one of one's own
///     uwm::Adam adam(rates);
template <class T>
UWM_EXPORT std::vector<Schedule> automatic_rates(const Network<T>& net);

/// That of one layer.
template <class T>
UWM_EXPORT Schedule automatic_rate(const Network<T>& net, std::size_t layer);

}  // namespace uwm
