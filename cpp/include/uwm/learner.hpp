#pragma once

#include <memory>

#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/optimizer.hpp"
#include "uwm/rule.hpp"

namespace uwm {

template <class T>
class Step;

/// Makes the steps of train() one at a time. The program runs its own world: it gives the inputs, acts, and tells the
/// reward.
///
/// Network and optimizer are checked when the learner is made. Each step then checks what is given to it, and shapes.
/// Nothing is allocated after the first step of a batch size. All three must outlive the learner and stay where they
/// are.
///
///     uwm::Learner learner(net, rule, adam);
///     const auto& sample = learner.forward(x);   // x: (batch, n_in); act on sample.output() ...
///     learner.learn(reward);                     // ... and say what came of it
template <class T = float>
class UWM_EXPORT Learner {
 public:
  /// Throws ValueError if the optimizer does not fit the network or a parameter is not finite.
  Learner(Network<T>& net, const Rule& rule, Optimizer& optimizer);
  ~Learner();
  Learner(Network<T>&, const Rule&&, Optimizer&) = delete;  // the learner would outlive the rule
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// Draws the actions of a batch. Throws ValueError if x has the wrong shape or is not finite, and DivergenceError if
  /// a parameter, a logit or an action is not finite. The network is then unchanged.
  const Sample<T>& forward(ConstMatrixRef<T> x);

  /// One update from the latest sample; reward: (batch), baseline subtracted. Throws ValueError unless there is a
  /// sample and the reward one finite number for each of its rows, and DivergenceError if the gradient or a parameter
  /// would leave the finite numbers; nothing is changed then.
  void learn(const Vector<double>& reward);

  /// What the latest forward() drew. The sample is empty if there was no forward(), or if it diverged.
  const Sample<T>& sample() const;

 private:
  Network<T>& net_;
  std::unique_ptr<Step<T>> step_;
};

extern template class Learner<float>;
extern template class Learner<double>;

}  // namespace uwm
