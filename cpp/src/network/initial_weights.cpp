// The parameters that a network begins with: automatic (docs/step-sizes.md), or Glorot's times a gain.

#include "network/initial_weights.hpp"

#include <cmath>

#include "uwm/random.hpp"

namespace uwm {

namespace {

/// s, the standard deviation of a hidden unit's logit. Of the logits of a layer near 0, the one that changes most per
/// change of a weight has s = 2.4; the best measured is 3.
constexpr double hidden_deviation = 3.0;

/// The share of that logit's variance that comes from one unit of the hidden layer below. Without it a signal loses
/// half of its variance in every layer.
constexpr double copied = 0.75;

/// Uniform in -1 ... 1, for the weight from unit i to unit j of layer l.
double symmetric(std::uint64_t seed, std::size_t l, Index j, Index i) {
  const auto word = random_word({seed, 0}, Stream::parameters, static_cast<std::uint32_t>(l),
                                static_cast<std::uint32_t>(j), static_cast<std::uint32_t>(i));
  return 2 * uniform(word) - 1;
}

/// Glorot and Bengio, 2010: uniform in +-gain sqrt(6 / (fan in + fan out)), biases 0.
template <class T>
void draw_glorot(std::uint64_t seed, std::size_t l, double gain, Layer<T>& layer) {
  const double bound = gain * std::sqrt(6.0 / static_cast<double>(layer.weight.rows() + layer.weight.cols()));
  for (Index j = 0; j < layer.weight.rows(); ++j)
    for (Index i = 0; i < layer.weight.cols(); ++i)
      layer.weight(j, i) = static_cast<T>(bound * symmetric(seed, l, j, i));
  layer.bias.setZero();
}

/// What the automatic weights of a layer depend on.
struct Spread {
  double deviation;  ///< s, of the logits
  double variance;   ///< of an activation below: 1 for inputs and for -1/+1, 1/4 for 0/1
  double mean;       ///< of an activation below: 1/2 for 0/1, else 0
  double share;      ///< of the logit's variance that comes from one unit below
};

template <class T>
Spread spread_of(const NetworkOptions& options, const Output<T>& output, std::size_t l, std::size_t n_layers) {
  const bool last = l + 1 == n_layers, first = l == 0;
  const bool binary = !first && options.units == Units::binary;
  return {.deviation = last ? output.initial_deviation() : hidden_deviation,
          .variance = binary ? 0.25 : 1.0,
          .mean = binary ? 0.5 : 0.0,
          .share = first || last ? 0.0 : copied};
}

/// w_ji = tau s (sqrt((1 - r) 3 / (n var h)) u_ji + sqrt(r / var h) [i = j mod n]), u uniform in -1 ... 1, and
/// b_j = -E[h] sum_i w_ji, so that logits have mean 0 and deviation s over the activities below.
template <class T>
void draw_automatic(std::uint64_t seed, std::size_t l, const Spread& spread, Layer<T>& layer) {
  const Index n = layer.weight.cols();
  const double s = spread.deviation * static_cast<double>(layer.temperature);
  const double bound = s * std::sqrt((1 - spread.share) * 3 / (static_cast<double>(n) * spread.variance));
  const double copy = s * std::sqrt(spread.share / spread.variance);
  for (Index j = 0; j < layer.weight.rows(); ++j) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) {
      const double dense = bound * symmetric(seed, l, j, i);
      const double w = i == j % n ? dense + copy : dense;
      layer.weight(j, i) = static_cast<T>(w);
      sum += w;
    }
    layer.bias(j) = static_cast<T>(-spread.mean * sum);
  }
}

}  // namespace

template <class T>
void draw_initial_weights(const NetworkOptions& options, const Output<T>& output, std::vector<Layer<T>>& layers) {
  const auto& gain = options.initial_gain;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (gain.empty())
      draw_automatic(options.seed, l, spread_of(options, output, l, layers.size()), layers[l]);
    else
      draw_glorot(options.seed, l, gain[gain.size() == 1 ? 0 : l], layers[l]);
  }
}

template void draw_initial_weights(const NetworkOptions&, const Output<float>&, std::vector<Layer<float>>&);
template void draw_initial_weights(const NetworkOptions&, const Output<double>&, std::vector<Layer<double>>&);

}  // namespace uwm
