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

template <class T>
class Step;

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

  /// One update. Throws ValueError if the gradient, the number of rates or earlier updates do not fit the network, if
  /// the gradient is not finite, or if a parameter or moment would not be; nothing is changed then.
  template <class T>
  void step(Network<T>& net, const Gradient<T>& gradient);

  /// Throws ValueError as step() would, whatever the gradient: also where a setting has no place in the precision T.
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
  /// Throws ValueError if a setting is out of range for numbers that go up to `largest` and 1 + `precision`.
  virtual void check_settings(double largest, double precision) const;
  /// Must not throw; threads call it for different pieces of an array at once.
  virtual void update(const Update<float>&) const = 0;
  virtual void update(const Update<double>&) const = 0;

  /// One update of the whole network at once, of a gradient that is checked: an optimizer that does not work element by
  /// element makes it here and returns true; update() is then not called.
  virtual bool update_network(Network<float>&, const Gradient<float>&) { return false; }
  virtual bool update_network(Network<double>&, const Gradient<double>&) { return false; }

 private:
  template <class U>
  friend class Step;

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
  void check_settings(double largest, double precision) const override;
  void update(const Update<float>& u) const override { apply(u); }
  void update(const Update<double>& u) const override { apply(u); }

 private:
  template <class T>
  void apply(const Update<T>& u) const;
  double momentum_;
};

/// Adam (Kingma and Ba, 2015): w += rate * m_hat / (sqrt(v_hat) + epsilon).
///
/// A number of the gradient beyond 2^63 in float32, or 2^511 in float64, counts as that: its square has to fit. An
/// epsilon below the smallest normal number counts as that.
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
  void check_settings(double largest, double precision) const override;
  void update(const Update<float>& u) const override { apply(u); }
  void update(const Update<double>& u) const override { apply(u); }

 private:
  template <class T>
  void apply(const Update<T>& u) const;
  double beta1_, beta2_, epsilon_;
};

}  // namespace uwm
