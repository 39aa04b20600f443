#pragma once

#include <functional>
#include <string>

#include "uwm/network.hpp"
#include "uwm/optimizer.hpp"
#include "uwm/rule.hpp"

namespace uwm {

/// One step of learning: forward pass, unit rewards, gradient, update. A step is taken many times in the same memory.
/// Nothing is allocated after the first step of a batch size.
///
/// forward() and update() return an empty text, or the reason why learning diverged. Network and optimizer are then as
/// they were.
template <class T>
class Step {
 public:
  /// Throws ValueError if the optimizer does not fit the network or a parameter is not finite. All three must outlive
  /// the step and stay where they are.
  Step(Network<T>& net, const Rule& rule, Optimizer& optimizer);

  /// The threads that share each batch; null: the caller alone.
  void use(Threads* threads) { sample_.work.use(threads); }

  /// The inputs of the next forward pass, (batch, n_in), for the caller to fill in with finite numbers.
  Matrix<T>& inputs(Index batch);

  /// Draws the actions of the batch in inputs().
  [[nodiscard]] std::string forward();

  /// The gradient that the rule makes of the latest sample; reward: (batch), baseline subtracted, within the range of
  /// T.
  void reward(const Vector<double>& reward);

  /// Updates the parameters by this gradient. Throws ValueError if the optimizer does not fit the network any more.
  /// `meanwhile` is called when nothing can fail any more but itself. If it throws, the update is not made.
  [[nodiscard]] std::string update(const std::function<void()>& meanwhile = [] {});

  /// What the latest forward pass drew. The sample is empty if there was no forward pass, or if it diverged.
  const Sample<T>& sample() const { return sample_; }

 private:
  Network<T>& net_;
  const Rule& rule_;
  Optimizer& optimizer_;
  Sample<T> sample_;
  Gradient<T> gradient_;
};

/// Throws DivergenceError with the reason why learning diverged; nothing if it is empty.
void throw_divergence(const std::string& why);

}  // namespace uwm
