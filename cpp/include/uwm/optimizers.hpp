#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "uwm/class_list.hpp"
#include "uwm/optimizer.hpp"

namespace uwm {

/// Gradient ascent: w += rate * g. With momentum, v <- momentum * v + g and w += rate * v.
class UWM_EXPORT SGD final : public Optimizer {
 public:
  /// Throws ValueError unless 0 <= momentum < 1.
  /// There is no automatic learning rate, since the size of a gradient depends on the size of the rewards.
  explicit SGD(std::vector<Schedule> learning_rate, double momentum = 0.0);
  static OptimizerInfo about();
  const OptimizerInfo* info() const override;
  std::string name() const override { return "sgd"; }
  Settings settings() const override { return {{"momentum", momentum_}}; }

  std::size_t n_moments() const override { return momentum_ > 0 ? 1 : 0; }

 protected:
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
/// A number of the gradient beyond 2^63 in float32, or 2^511 in float64, counts as that number: its square has to fit.
/// An epsilon below the smallest normal number counts as the smallest normal number.
///
/// Without a learning rate, the rates follow from the network: they are automatic_rates(net).
class UWM_EXPORT Adam final : public Optimizer {
 public:
  /// Throws ValueError unless 0 <= beta1, beta2 < 1 and epsilon is positive and finite.
  explicit Adam(std::vector<Schedule> learning_rate = {}, double beta1 = 0.9, double beta2 = 0.999,
                double epsilon = 1e-8);
  static OptimizerInfo about();
  const OptimizerInfo* info() const override;
  std::string name() const override { return "adam"; }
  bool has_automatic_rate() const override { return true; }
  Settings settings() const override { return {{"beta1", beta1_}, {"beta2", beta2_}, {"epsilon", epsilon_}}; }

  std::size_t n_moments() const override { return 2; }
  bool is_square(std::size_t moment) const override { return moment == 1; }

 protected:
  void check_settings(double largest, double precision) const override;
  void update(const Update<float>& u) const override { apply(u); }
  void update(const Update<double>& u) const override { apply(u); }

 private:
  template <class T>
  void apply(const Update<T>& u) const;
  double beta1_, beta2_, epsilon_;
};

/// What is known of a built-in optimizer before one is made.
struct OptimizerInfo {
  std::string name;
  std::string description;       ///< one line
  Optimizer::Settings defaults;  ///< the settings, with the values that they have by default
  /// One with these settings, which are all of them.
  std::unique_ptr<Optimizer> (*make)(std::vector<Schedule> learning_rate, const Optimizer::Settings& settings);
};

/// The classes of the built-in optimizers: the only list of them. The registry, files and the Python module read it.
using BuiltInOptimizers = std::tuple<SGD, Adam>;

/// What each says of itself.
UWM_EXPORT const std::vector<OptimizerInfo>& optimizer_infos();

/// What is known of the optimizer of this name. Null if no optimizer has it.
UWM_EXPORT const OptimizerInfo* optimizer_info(const std::string& name);

/// Makes the optimizer of this name. Settings that are left out have their defaults. Throws ValueError for an unknown
/// name or setting, and for a value out of range.
///
///     auto adam = uwm::make_optimizer("adam", {0.01}, {{"beta1", 0.8}});
UWM_EXPORT std::unique_ptr<Optimizer> make_optimizer(const std::string& name, std::vector<Schedule> learning_rate,
                                                     const Optimizer::Settings& settings = {});

}  // namespace uwm
