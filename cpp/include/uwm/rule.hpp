#pragma once

#include <string>
#include <vector>

#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/sample.hpp"
#include "uwm/workspace.hpp"

namespace uwm {

template <class T = float>
struct UnitRewards;
template <class T = float>
struct Gradient;

/// A learning rule: the way in which it hands the reward down, one reward per unit. Everything else, the update
/// T_i (h_i - p_i) h_m included, is the same for every rule.
///
/// Subclass RuleOf rather than this class: one template then serves both precisions.
class UWM_EXPORT Rule {
 public:
  virtual ~Rule() = default;
  virtual std::string name() const = 0;

  /// reward: (batch), baseline subtracted. Fills `out` for every layer, the output layer with the reward itself.
  virtual void unit_rewards(const Network<float>& net, const Sample<float>& sample, const Vector<double>& reward,
                            UnitRewards<float>& out) const = 0;
  virtual void unit_rewards(const Network<double>& net, const Sample<double>& sample, const Vector<double>& reward,
                            UnitRewards<double>& out) const = 0;

  /// The update for one batch, reward: (batch), baseline subtracted. Throws ValueError unless the sample has this
  /// network's layers, the reward one finite number per sample, and the gradient within the range of T.
  template <class T>
  Gradient<T> gradient(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward) const;

  /// The same into a gradient whose memory is used again.
  template <class T>
  void gradient(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward, Gradient<T>& out) const;

  /// An estimate of d E[R] / d input, row s for sample s, (batch, n_in): what layers below the network, of whatever
  /// kind, learn from. Unbiased if the rule is. Throws ValueError as `gradient` does.
  template <class T>
  Matrix<T> input_gradient(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward) const;
};

/// Base of the rules:
///
///     struct MyRule : uwm::RuleOf<MyRule> {
///       std::string name() const override { return "my_rule"; }
///       template <class T>
///       void compute(const uwm::Network<T>&, const uwm::Sample<T>&, const uwm::Vector<double>& reward,
///                    uwm::UnitRewards<T>& out) const;
///     };
template <class Derived>
class RuleOf : public Rule {
 public:
  void unit_rewards(const Network<float>& net, const Sample<float>& sample, const Vector<double>& reward,
                    UnitRewards<float>& out) const override {
    self().compute(net, sample, reward, out);
  }
  void unit_rewards(const Network<double>& net, const Sample<double>& sample, const Vector<double>& reward,
                    UnitRewards<double>& out) const override {
    self().compute(net, sample, reward, out);
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};

/// One reward per unit and sample, T_i: one matrix (batch, units) per layer, the output layer last.
template <class T>
struct UWM_EXPORT UnitRewards {
  std::vector<Matrix<T>> layers;
  Workspace<T> work;

  /// Gives every layer the shape that the sample has.
  void resize_like(const Sample<T>& sample);
};

template <class T = float>
struct LayerGradient {
  Matrix<T> weight;  ///< (n_out, n_in)
  Vector<T> bias;    ///< (n_out)
};

/// d J / d parameters, or a rule's estimate of it: the direction of ascent, mean over the batch.
template <class T>
struct UWM_EXPORT Gradient {
  std::vector<LayerGradient<T>> layers;
  UnitRewards<T> unit_rewards;  ///< what Rule::gradient made it of: what each unit was paid in each sample
  Workspace<T> work;

  void resize_like(const Network<T>& net);
};

/// The update that unit rewards give: batch mean of T_i (h_i - p_i) h_m / temperature. Throws ValueError unless sample,
/// unit rewards and network have the same layers.
template <class T>
UWM_EXPORT void gradient(const Network<T>& net, const Sample<T>& sample, const UnitRewards<T>& unit_rewards,
                         Gradient<T>& out);

/// The gradient with respect to the input that unit rewards give, (batch, n_in): row s is sum_i T_i (h_i - p_i) w_i /
/// temperature over the units i of the first layer and the rows w_i of its weight; no mean over the batch. It works in
/// the memory of the unit rewards. With the update of the same unit rewards:
///
///     rule.gradient(net, sample, reward, gradient);
///     uwm::input_gradient(net, sample, gradient.unit_rewards, x_gradient);
///
/// Throws ValueError unless sample, unit rewards and network have the same layers and every number made is finite.
template <class T>
UWM_EXPORT void input_gradient(const Network<T>& net, const Sample<T>& sample, UnitRewards<T>& unit_rewards,
                               Matrix<T>& out);

/// Throws ValueError unless every number of the gradient is finite.
template <class T>
UWM_EXPORT void check_gradient(const Gradient<T>& gradient);

/// Throws ValueError unless the sample has this network's layers, the reward one finite number per sample, and the
/// parameters are finite.
template <class T>
UWM_EXPORT void check_sample(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward);

}  // namespace uwm
