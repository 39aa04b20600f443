// The network: its parameters and their checks, and what is checked of inputs and actions.

#include "uwm/network.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "network/bernoulli.hpp"
#include "network/forward.hpp"
#include "network/initial_weights.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

std::vector<Index> checked_sizes(std::vector<Index> sizes) {
  require(sizes.size() >= 2, "sizes must hold at least 2 numbers, inputs and outputs, got ", sizes.size());
  require(sizes.size() <= max_layers, "sizes must hold at most ", max_layers, " numbers, got ", sizes.size());
  for (const Index n : sizes)
    require(n >= 1 && n <= Index{1} << 30, "every number in sizes must be between 1 and 2^30, got ", n);
  return sizes;
}

/// Whether neither the number nor what divides by it leaves the normal numbers of the precision.
template <class T>
bool usable(T temperature) {
  return std::isnormal(temperature) && temperature > 0 && std::isnormal(1 / temperature);
}

template <class T>
void check_temperature(const std::string& name, double temperature) {
  require(temperature > 0 && std::isfinite(temperature), name, " must be positive and finite, got ", temperature);
  require(usable(static_cast<T>(temperature)), name, " must be from ", std::numeric_limits<T>::min(), " to ",
          1 / std::numeric_limits<T>::min(), " in ", sizeof(T) == 4 ? "float32" : "float64", ", got ", temperature);
}

void check_gain(const std::vector<double>& gain, std::size_t n_layers) {
  require(gain.size() <= 1 || gain.size() == n_layers, "initial_gain must be one number or one per layer (", n_layers,
          "), got ", gain.size());
  for (const double g : gain)
    require(g >= 0 && g <= max_initial_gain, "initial_gain must be from 0 to ", max_initial_gain, ", got ", g);
}

}  // namespace

template <class T>
Network<T>::Network(std::vector<Index> sizes, const std::string& output, NetworkOptions options)
    : Network(std::move(sizes), make_output<T>(output), std::move(options)) {}

template <class T>
Network<T>::Network(std::vector<Index> sizes, std::shared_ptr<const Output<T>> output, NetworkOptions options)
    : sizes_(checked_sizes(std::move(sizes))), output_(std::move(output)), options_(std::move(options)) {
  const std::size_t n = sizes_.size() - 1;
  require(output_ != nullptr, "the output must not be null");
  output_->check_size(n_outputs());
  auto& temperature = options_.temperature;
  require(temperature.size() == 1 || temperature.size() == n, "temperature must be one number or one per layer (", n,
          "), got ", temperature.size());
  temperature.resize(n, temperature.front());
  for (const double t : temperature) check_temperature<T>("temperatures", t);
  layers_.resize(n);
  for (std::size_t l = 0; l < n; ++l) {
    layers_[l].weight.resize(sizes_[l + 1], sizes_[l]);
    layers_[l].bias.resize(sizes_[l + 1]);
    layers_[l].temperature = static_cast<T>(temperature[l]);
  }
  check_gain(options_.initial_gain, n);
  draw_initial_weights(options_, *output_, layers_);
}

template <class T>
template <class U>
Network<T>::Network(const Network<U>& other, std::shared_ptr<const Output<T>> output)
    : sizes_(other.sizes_), output_(std::move(output)), options_(other.options_), step_(other.step_) {
  for (const auto& layer : other.layers_) {
    check_temperature<T>(text("layers[", layers_.size(), "].temperature"), static_cast<double>(layer.temperature));
    const auto fits = [](const auto& x) { return !(x.array().abs() > U(std::numeric_limits<T>::max())).any(); };
    if constexpr (sizeof(T) < sizeof(U))
      require(fits(layer.weight) && fits(layer.bias), "layers[", layers_.size(), "] must hold numbers up to ",
              std::numeric_limits<T>::max(), " to become float32");
    layers_.push_back({.weight = layer.weight.template cast<T>(),
                       .bias = layer.bias.template cast<T>(),
                       .temperature = static_cast<T>(layer.temperature)});
  }
}

template <class T>
void Network<T>::set_step(std::uint64_t step) {
  require(step < max_step, "step must be below 2^48, got ", step);
  step_ = step;
}

template <class T>
void Network<T>::set_temperature(std::size_t layer, double temperature) {
  require(layer < layers_.size(), "layer must be below ", layers_.size(), ", got ", layer);
  check_temperature<T>("temperature", temperature);
  layers_[layer].temperature = static_cast<T>(temperature);
}

template <class T>
void Network<T>::reset(std::uint64_t seed) {
  options_.seed = seed;
  step_ = 0;
  draw_initial_weights(options_, *output_, layers_);
}

template <class T>
void Network<T>::check_shapes() const {
  require(layers_.size() + 1 == sizes_.size(), "the network must have ", sizes_.size() - 1, " layers, got ",
          layers_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto& [weight, bias, temperature] = layers_[l];
    require(weight.rows() == sizes_[l + 1] && weight.cols() == sizes_[l] && bias.size() == sizes_[l + 1], "layers[", l,
            "].weight and bias must have shapes (", sizes_[l + 1], ", ", sizes_[l], ") and (", sizes_[l + 1],
            ",), got (", weight.rows(), ", ", weight.cols(), ") and (", bias.size(), ",)");
    if (!usable(temperature)) check_temperature<T>(text("layers[", l, "].temperature"), temperature);
  }
}

template <class T>
void Network<T>::check_finite() const {
  check_shapes();
  const auto finite = [](const auto& x) { return std::isfinite(kernels::active<T>().max_abs(x.size(), x.data())); };
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    require(finite(layers_[l].weight), "layers[", l, "].weight must be finite, but holds NaN or infinity");
    require(finite(layers_[l].bias), "layers[", l, "].bias must be finite, but holds NaN or infinity");
  }
}

template <class T>
Sample<T> Network<T>::forward(ConstMatrixRef<T> x) {
  Sample<T> sample;
  forward(x, sample);
  return sample;
}

template <class T>
void Network<T>::forward(ConstMatrixRef<T> x, Sample<T>& sample) {
  check_input(*this, x);
  check_shapes();
  resize_like(*this, x.rows(), sample);
  sample.input = x;
  const std::string why = forward_or_restore(*this, sample);
  require(why.empty(), why);
}

template <class T>
Sample<T> Network<T>::clamp(ConstMatrixRef<T> x, const std::vector<Matrix<T>>& activations) const {
  check_input(*this, x);
  check_finite();
  require(activations.size() == layers_.size(), "activations must hold one array per layer (", layers_.size(),
          "), got ", activations.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto& h = activations[l];
    require(h.rows() == x.rows() && h.cols() == sizes_[l + 1], "activations[", l, "] must have shape (", x.rows(), ", ",
            sizes_[l + 1], "), got (", h.rows(), ", ", h.cols(), ")");
    if (l + 1 == layers_.size()) {
      output_->check_actions(h);
    } else {
      const T silent = units() == Units::bipolar ? T(-1) : T(0);
      require(((h.array() == T(1)) || (h.array() == silent)).all(), "activations[", l, "] must be ",
              units() == Units::bipolar ? "-1 or 1" : "0 or 1", " (", to_string(units()), " units)");
    }
  }
  Sample<T> sample;
  resize_like(*this, x.rows(), sample);
  sample.input = x;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    sample.layers[l].activation = activations[l];
    logits(*this, l, sample);
    if (l + 1 == layers_.size())
      output_->evaluate(sample.layers[l]);
    else
      evaluate_units(units(), sample.layers[l]);
  }
  const auto why = why_not_finite(*this, sample);
  require(why.empty(), why);
  return sample;
}

template <class T>
template <class U>
Network<U> Network<T>::cast() const {
  if constexpr (std::is_same_v<T, U>) {
    return *this;
  } else {
    const OutputInfo* info = output_->info();
    require(info != nullptr, "an output kind of your own, '", output_->name(), "', has one precision only");
    return Network<U>(*this, info->template make<U>(output_->settings()));
  }
}

template class Network<float>;
template class Network<double>;
template Network<float> Network<float>::cast<float>() const;
template Network<double> Network<float>::cast<double>() const;
template Network<float> Network<double>::cast<float>() const;
template Network<double> Network<double>::cast<double>() const;

}  // namespace uwm
