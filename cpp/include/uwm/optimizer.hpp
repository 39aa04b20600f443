#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/rule.hpp"

namespace uwm {

/// A number that changes from `start` to `end` over `steps` updates and stays there.
struct UWM_EXPORT Schedule {
  enum class Shape { constant, linear, exponential };
  Shape shape = Shape::constant;
  double start = 0.0, end = 0.0;
  std::int64_t steps = 0;

  Schedule() = default;
  Schedule(double value) : start(value), end(value) {}  // NOLINT: a number is a schedule
  /// Throw ValueError unless steps >= 1 and the numbers are finite (exponential: positive).
  static Schedule linear(double start, double end, std::int64_t steps);
  static Schedule exponential(double start, double end, std::int64_t steps);

  /// The value after t updates.
  double at(std::int64_t t) const;
};

/// Applies gradients to a network, uphill. One learning rate for all layers, or one per layer.
///
/// A subclass defines the element-wise update; the moments that it keeps are stored, saved and restored here.
class UWM_EXPORT Optimizer {
 public:
  /// Throws ValueError for rates that are negative or not finite.
  explicit Optimizer(std::vector<Schedule> learning_rate);
  virtual ~Optimizer() = default;

  virtual std::string name() const = 0;
  /// Constructor arguments other than the learning rate, by name.
  virtual std::map<std::string, double> settings() const = 0;

  const std::vector<Schedule>& learning_rate() const { return learning_rate_; }
  std::int64_t steps() const { return steps_; }

  /// One update. Throws ValueError if the gradient, the number of rates or earlier updates do not fit the network, or
  /// the gradient is not finite; nothing is changed then.
  template <class T>
  void step(Network<T>& net, const Gradient<T>& gradient);

  /// Throws ValueError as step() would.
  template <class T>
  void check(const Network<T>& net) const;

  /// Per moment, per layer: what has been accumulated. Empty before the first update.
  template <class T>
  using Moments = std::vector<std::vector<LayerGradient<T>>>;
  using State = std::variant<std::monostate, Moments<float>, Moments<double>>;
  const State& state() const { return state_; }
  void restore(std::int64_t steps, State state);

 protected:
  /// A piece of an array of parameters: its gradient, its moments (n_moments pointers), and what holds for this step.
  template <class T>
  struct Update {
    Index n;
    const T* gradient;
    T* const* moments;
    T* parameter;
    double rate;
    std::int64_t step;  ///< counted from 1
  };
  virtual std::size_t n_moments() const = 0;  ///< at most 8
  /// Must not throw; threads call it for different pieces of an array at once.
  virtual void update(const Update<float>&) const = 0;
  virtual void update(const Update<double>&) const = 0;

 private:
  template <class U>
  friend void apply_gradient(Optimizer& optimizer, Network<U>& net, const Gradient<U>& gradient, Threads* threads);

  std::vector<Schedule> learning_rate_;
  std::int64_t steps_ = 0;
  State state_;
};

/// w += rate * g, or with momentum v <- momentum * v + g, w += rate * v.
class UWM_EXPORT SGD final : public Optimizer {
 public:
  explicit SGD(std::vector<Schedule> learning_rate, double momentum = 0.0);
  std::string name() const override { return "sgd"; }
  std::map<std::string, double> settings() const override { return {{"momentum", momentum_}}; }

 protected:
  std::size_t n_moments() const override { return momentum_ > 0 ? 1 : 0; }
  void update(const Update<float>& u) const override { apply(u); }
  void update(const Update<double>& u) const override { apply(u); }

 private:
  template <class T>
  void apply(const Update<T>& u) const;
  double momentum_;
};

/// Adam (Kingma and Ba, 2015): w += rate * m_hat / (sqrt(v_hat) + epsilon).
class UWM_EXPORT Adam final : public Optimizer {
 public:
  explicit Adam(std::vector<Schedule> learning_rate = {1e-3}, double beta1 = 0.9, double beta2 = 0.999,
                double epsilon = 1e-8);
  std::string name() const override { return "adam"; }
  std::map<std::string, double> settings() const override {
    return {{"beta1", beta1_}, {"beta2", beta2_}, {"epsilon", epsilon_}};
  }

 protected:
  std::size_t n_moments() const override { return 2; }
  void update(const Update<float>& u) const override { apply(u); }
  void update(const Update<double>& u) const override { apply(u); }

 private:
  template <class T>
  void apply(const Update<T>& u) const;
  double beta1_, beta2_, epsilon_;
};

}  // namespace uwm
