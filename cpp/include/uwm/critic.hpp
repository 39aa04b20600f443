#pragma once

#include <cstdint>
#include <vector>

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"
#include "uwm/network.hpp"
#include "uwm/optimizers.hpp"
#include "uwm/sample.hpp"
#include "uwm/schedule.hpp"
#include "uwm/traces.hpp"

namespace uwm {

/// How a critic is built and how it learns.
struct CriticSettings {
  /// layer_norm: each hidden layer is scaled to mean 0 and variance 1 (no gain, no bias), then a leaky rectifier with
  /// slope 0.01. softplus: log(1 + exp(z)), without the scaling.
  enum class Units { layer_norm, softplus };

  std::vector<Index> hidden = {64, 32};
  Units units = Units::layer_norm;
  double trace = 0.9;  ///< lambda of TD(lambda)
  /// Of Adam, one number or one per layer. Empty: steps bounded against overshooting (ObGD), which need no rate.
  std::vector<Schedule> learning_rate = {};
  double beta1 = 0.9, beta2 = 0.999;  ///< of Adam
  double overshoot = 1.0;             ///< kappa of ObGD: a larger one makes smaller steps
};

/// Predicts the discounted sum of future rewards, and learns by TD(lambda).
///
/// Its parameters are those of a Network, which gives it initial weights (Glorot's), an optimizer and files. Its units
/// are not stochastic.
///
/// A step bounded against overshooting (Elsayed, Vasan and Mahmood, "Streaming deep reinforcement learning finally
/// works", 2024) is w += alpha delta z with alpha = min(1, 1 / (kappa max(|delta|, 1) |z|_1)).
///
///     uwm::Critic critic(4, 1, {}, 0.99, seed);
///     critic.forward(x, value);                  // x: (environments, 4)
///     critic.remember();                         // z_k <- gamma lambda z_k + d value_k / d w
///     critic.learn(delta);                       // w += mean over k of alpha_k delta_k z_k
class UWM_EXPORT Critic {
 public:
  /// Throws ValueError for a setting out of range.
  Critic(Index n_inputs, Index environments, CriticSettings settings, double discount, std::uint64_t seed);

  /// The value of each row of x, (environments, n_inputs). What remember() needs is kept.
  void forward(ConstMatrixRef<float> x, Vector<double>& value);

  /// The gradient of the latest values, taken with the parameters as they are now, enters the traces of the
  /// environments that are marked.
  void remember(const std::vector<char>& marked);

  /// Other environments from now on, this many of them, with traces of 0.
  void set_environments(Index n);

  void clear(Index environment) { traces_.clear(environment); }

  /// One update by TD errors, one per environment, divided by `environments` of them. Those with an error of 0 take no
  /// part. Throws DivergenceError if a parameter would not be finite.
  void learn(const Vector<double>& delta, Index environments);

  const CriticSettings& settings() const { return settings_; }
  const Network<float>& parameters() const { return net_; }
  Network<float>& parameters() { return net_; }
  const Adam& optimizer() const { return adam_; }
  Adam& optimizer() { return adam_; }
  const Traces& traces() const { return traces_; }
  Traces& traces() { return traces_; }

 private:
  struct Activity {
    Matrix<float> normalized;   ///< after the scaling of the layer
    Matrix<float> delta;        ///< d value / d logit
    Vector<float> inverse_std;  ///< one per row
  };

  void resize(Index environments);
  Adam make_optimizer(Index environments) const;
  void activate(std::size_t layer);
  void pass_down(std::size_t layer);
  void bounded_step(const Vector<double>& delta, Index environments);

  CriticSettings settings_;
  float decay_;
  Network<float> net_;
  Adam adam_;
  Traces traces_;
  Sample<float> sample_;
  std::vector<Activity> activities_;
  Gradient<float> gradient_;
  Vector<double> coefficient_;
  Vector<double> norm_;  ///< of the traces of each environment
};

}  // namespace uwm
