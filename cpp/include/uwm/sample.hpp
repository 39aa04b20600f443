#pragma once

#include <string>
#include <vector>

#include "uwm/matrix.hpp"
#include "uwm/units.hpp"
#include "uwm/workspace.hpp"

namespace uwm {

template <class T = float>
struct LayerSample;

/// The record of one forward pass over a batch: what was put in, what every unit did and how likely it was.
/// Made by Network::forward and Network::clamp.
template <class T = float>
struct Sample {
  Matrix<T> input;                     ///< (batch, n_in)
  std::vector<LayerSample<T>> layers;  ///< first hidden layer ... output

  Index batch() const { return input.rows(); }
  const Matrix<T>& output() const { return layers.back().activation; }

  /// What the layer with this index takes in: the input, or the activation of the layer below.
  const Matrix<T>& below(std::size_t layer) const { return layer == 0 ? input : layers[layer - 1].activation; }

  Units units = Units::binary;  ///< encoding of the hidden units
  std::string output_kind;      ///< Output::name()
  Workspace<T> work;
};

/// What one layer did in one forward pass; every matrix is (batch, units).
template <class T>
struct LayerSample {
  Matrix<T> logit;        ///< z, divided by the layer's temperature
  Matrix<T> activation;   ///< h, encoded; the output's action for the last layer
  Matrix<T> probability;  ///< p; class probabilities of a softmax, mean of a Gaussian output
  Matrix<T> eligibility;  ///< d log Pr(action) / dz; of a Bernoulli unit (1 if it fired, else 0) - p
  Matrix<T> likelihood;   ///< q, the probability of the action taken (Bernoulli-logistic layers)
  Matrix<T> odds;         ///< (1 - q) / q, negative where the unit stayed silent (Bernoulli-logistic layers)
};

}  // namespace uwm
