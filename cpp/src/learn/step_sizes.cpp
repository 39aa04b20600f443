// Automatic learning rates: they follow from the fan-in of a layer and from its place (docs/step-sizes.md).

#include "uwm/step_sizes.hpp"

namespace uwm {

namespace {

/// c: by how much one step of Adam moves a hidden unit's logit.
constexpr double hidden_rate = 1.0;
/// Rates fall as 1 / sqrt(1 + t / this).
constexpr std::int64_t decay_steps = 1000;
/// Until Adam has seen some updates, all of its steps have full size whatever the noise. The layers that pass credit
/// down wait for it.
constexpr std::int64_t warm_up_steps = 200;

/// Half of the 0/1 units below are silent, and their weights move nothing; all -1/+1 units count.
template <class T>
double share_of_bipolar(const Network<T>& net, std::size_t layer) {
  return layer > 0 && net.units() == Units::bipolar ? 0.5 : 1.0;
}

}  // namespace

template <class T>
Schedule automatic_rate(const Network<T>& net, std::size_t layer) {
  const auto& parameters = net.layers()[layer];
  const bool last = layer + 1 == net.layers().size();
  const double c = (last ? net.output().automatic_rate() : hidden_rate) * share_of_bipolar(net, layer);
  const double rate =
      c * static_cast<double>(parameters.temperature) / static_cast<double>(parameters.weight.cols() + 1);
  return Schedule::inverse_root(rate, decay_steps, layer > 0 ? warm_up_steps : 0);
}

template <class T>
std::vector<Schedule> automatic_rates(const Network<T>& net) {
  std::vector<Schedule> rates;
  for (std::size_t l = 0; l < net.layers().size(); ++l) rates.push_back(automatic_rate(net, l));
  return rates;
}

template Schedule automatic_rate(const Network<float>&, std::size_t);
template Schedule automatic_rate(const Network<double>&, std::size_t);
template std::vector<Schedule> automatic_rates(const Network<float>&);
template std::vector<Schedule> automatic_rates(const Network<double>&);

}  // namespace uwm
