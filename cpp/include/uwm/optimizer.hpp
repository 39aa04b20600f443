#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "uwm/export.hpp"
#include "uwm/network.hpp"
#include "uwm/rule.hpp"
#include "uwm/schedule.hpp"

namespace uwm {

template <class T>
class ParameterUpdate;
struct OptimizerInfo;

/// Applies gradients to a network, uphill. One learning rate for all layers, one per layer, or automatic ones.
///
/// A subclass defines the element-wise update; the moments that it keeps are stored, saved and restored here.
class UWM_EXPORT Optimizer {
 public:
  /// An empty list stands for automatic rates. Throws ValueError for rates that are negative or not finite.
  explicit Optimizer(std::vector<Schedule> learning_rate);
  virtual ~Optimizer() = default;

  virtual std::string name() const = 0;
  /// Constructor arguments other than the learning rate, by name.
  using Settings = std::map<std::string, double>;
  virtual Settings settings() const = 0;
  /// The entry of a built-in optimizer, from which files make it again. Null for one of one's own, which cannot be
  /// saved.
  virtual const OptimizerInfo* info() const { return nullptr; }

  /// The rates as given. The list is empty if they are automatic.
  const std::vector<Schedule>& learning_rate() const { return learning_rate_; }
  /// Other rates from the next update on; moments and the number of updates stay. Throws ValueError as the constructor
  /// does, and for an empty list where there are no automatic rates.
  void set_learning_rate(std::vector<Schedule> learning_rate);
  /// The learning rate of a layer at the next update.
  template <class T>
  double rate(const Network<T>& net, std::size_t layer) const;
  /// Whether the optimizer can do without a learning rate of its own.
  virtual bool has_automatic_rate() const { return false; }
  std::int64_t steps() const { return steps_; }

  /// One update. Throws ValueError if the gradient, the number of rates or earlier updates do not fit the network, if
  /// the gradient is not finite, or if a parameter or moment would not be; nothing is changed then.
  template <class T>
  void step(Network<T>& net, const Gradient<T>& gradient);

  /// Throws ValueError where step() would for every gradient, also for a setting that has no place in the precision T.
  template <class T>
  void check(const Network<T>& net) const;

  /// Per moment, per layer: what has been accumulated. Empty before the first update.
  template <class T>
  using Moments = std::vector<std::vector<LayerGradient<T>>>;
  using State = std::variant<std::monostate, Moments<float>, Moments<double>>;
  const State& state() const { return state_; }
  /// Throws ValueError if steps is negative.
  void restore(std::int64_t steps, State state);

  /// How many moments the optimizer keeps for each parameter, at most `max_moments`.
  virtual std::size_t n_moments() const = 0;
  static constexpr std::size_t max_moments = 8;
  /// Whether moment m is a mean of squares, which is never negative.
  virtual bool is_square(std::size_t) const { return false; }

 protected:
  /// A piece of an array of parameters, with its gradient and moments, and the step's learning rate and number.
  template <class T>
  struct Update {
    Index n;
    const T* gradient;
    T* const* moments;  ///< n_moments pointers
    T* parameter;
    double rate;
    std::int64_t step;  ///< counted from 1
  };
  /// Throws ValueError if a setting is out of range for numbers that go up to `largest` and 1 + `precision`.
  virtual void check_settings(double largest, double precision) const;
  /// Must not throw. Threads call it for different pieces of an array at once.
  virtual void update(const Update<float>&) const = 0;
  virtual void update(const Update<double>&) const = 0;

  /// Whether the optimizer does not work element by element, but makes the update of the whole network at once, in
  /// update_network(). update() is then not called and no moments are kept.
  virtual bool whole_network() const { return false; }
  /// The gradient fits the network and is finite. Parameters that are no longer finite are refused. They are as they
  /// were then, and also if this throws.
  virtual void update_network(Network<float>&, const Gradient<float>&) {}
  virtual void update_network(Network<double>&, const Gradient<double>&) {}

 private:
  template <class U>
  friend class ParameterUpdate;

  std::vector<Schedule> learning_rate_;
  std::int64_t steps_ = 0;
  State state_;
};

}  // namespace uwm
