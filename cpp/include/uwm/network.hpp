#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "uwm/export.hpp"
#include "uwm/layer.hpp"
#include "uwm/matrix.hpp"
#include "uwm/network_options.hpp"
#include "uwm/output.hpp"
#include "uwm/random.hpp"
#include "uwm/sample.hpp"

namespace uwm {

/// A layered network of Bernoulli-logistic units: its parameters, and its place in the sequence of random numbers. T is
/// float, the default, or double.
///
/// Initial weights are automatic unless the options have a gain: logits of hidden units then have deviation 3, whatever
/// the width, and a unit above the first layer begins as a noisy copy of one below (docs/step-sizes.md). With a gain,
/// weights start uniform in +-gain sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010), biases at 0.
///
/// Distinct networks may be used from distinct threads at the same time.
///
///     uwm::Network net({20, 64, 32, 1}, "bernoulli", {.seed = 1});
///     auto sample = net.forward(x);   // x: (batch, 20)
template <class T = float>
class UWM_EXPORT Network {
 public:
  /// sizes: inputs, hidden layers, outputs. Throws ValueError.
  explicit Network(std::vector<Index> sizes, const std::string& output = "bernoulli", NetworkOptions options = {});
  Network(std::vector<Index> sizes, std::shared_ptr<const Output<T>> output, NetworkOptions options = {});

  const std::vector<Index>& sizes() const { return sizes_; }
  Index n_inputs() const { return sizes_.front(); }
  Index n_outputs() const { return sizes_.back(); }
  Units units() const { return options_.units; }
  /// As in the options; empty if the initial weights are automatic.
  const std::vector<double>& initial_gain() const { return options_.initial_gain; }
  const Output<T>& output() const { return *output_; }
  const std::shared_ptr<const Output<T>>& shared_output() const { return output_; }

  std::vector<Layer<T>>& layers() { return layers_; }
  const std::vector<Layer<T>>& layers() const { return layers_; }

  /// The seed, and the step whose random numbers the next forward pass draws.
  Position position() const { return {options_.seed, step_}; }
  void set_step(std::uint64_t step);

  /// New initial parameters from this seed, and step 0.
  void reset(std::uint64_t seed);

  /// Draws the actions of a batch, x (batch, n_in), and advances the step by one. Throws ValueError if x or a parameter
  /// has the wrong shape or is not finite, or if a logit or action would not be; the network is then unchanged.
  Sample<T> forward(ConstMatrixRef<T> x);

  /// The same into a sample whose memory is used again.
  void forward(ConstMatrixRef<T> x, Sample<T>& sample);

  /// The sample that has these activations, one matrix per layer, (batch, n_l). Nothing is drawn. Throws ValueError as
  /// forward() does, and for activations that the units cannot take.
  Sample<T> clamp(ConstMatrixRef<T> x, const std::vector<Matrix<T>>& activations) const;

  /// The mean of what the output's law is over several passes through drawn hidden units: class probabilities of a
  /// softmax, probabilities of firing, means of a Gaussian output; (batch, n_out).
  ///
  /// Pass k draws the same numbers for every row and every batch, those of step k of Stream::predictions, so that the
  /// answer for a row is a function of the row, the parameters and the seed alone. The step stays where it is. Throws
  /// ValueError as forward() does, and unless passes is at least 1.
  Matrix<T> mean_output(ConstMatrixRef<T> x, std::int64_t passes = 32) const;

  /// The same of one pass in which every hidden unit hands on its mean, p or 2p - 1, in the place of an action.
  Matrix<T> mean_field(ConstMatrixRef<T> x) const;

  /// The most likely action of each row by mean_output(), encoded as the output is: a single 1 for a class, 0 or 1, or
  /// the mean of a Gaussian output.
  Matrix<T> predict(ConstMatrixRef<T> x, std::int64_t passes = 32) const;

  /// Throws ValueError unless the temperature is a positive number of the precision.
  void set_temperature(std::size_t layer, double temperature);

  /// A network of the other precision with the same parameters and position. Throws ValueError if a parameter,
  /// temperature or sigma is out of range there.
  template <class U>
  Network<U> cast() const;

  /// Throws ValueError that names the first layer whose parameters have a wrong shape or temperature.
  void check_shapes() const;

  /// The same, and for a parameter that is NaN or infinite.
  void check_finite() const;

  /// What a flip of a hidden unit moves a logit of layer l by, per unit of weight: 1/tau or 2/tau.
  T flip_step(std::size_t layer) const {
    return (options_.units == Units::bipolar ? 2 : 1) / layers_[layer].temperature;
  }

 private:
  template <class U>
  friend class Network;

  template <class U>
  Network(const Network<U>& other, std::shared_ptr<const Output<T>> output);

  std::vector<Index> sizes_;
  std::shared_ptr<const Output<T>> output_;
  NetworkOptions options_;
  std::vector<Layer<T>> layers_;
  std::uint64_t step_ = 0;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace uwm
