#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "uwm/class_list.hpp"
#include "uwm/export.hpp"
#include "uwm/matrix.hpp"

namespace uwm {

struct BaselineInfo;

/// What is subtracted from the reward, b. It may depend on the input but not on the actions drawn.
///
/// Inputs are in the precision of the network. A subclass of BaselineOf has one template for both precisions.
class UWM_EXPORT Baseline {
 public:
  virtual ~Baseline() = default;
  /// b, (batch), for inputs (batch, n_in). Called before update() of the same batch.
  virtual void predict(const Matrix<float>& input, Vector<double>& b) = 0;
  virtual void predict(const Matrix<double>& input, Vector<double>& b) = 0;
  virtual void update(const Matrix<float>& input, const Vector<double>& reward) = 0;
  virtual void update(const Matrix<double>& input, const Vector<double>& reward) = 0;

  /// The numbers by which one like this is made again, what it has learned included.
  using Settings = std::map<std::string, double>;
  virtual Settings settings() const { return {}; }
  /// The entry of a built-in baseline, from which files make it again. Null for one of one's own, which cannot be
  /// saved.
  virtual const BaselineInfo* info() const { return nullptr; }
};

// The templates of the derived class hide the functions of the same name here. That is intended.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#endif

/// Base of the baselines that answer in both precisions by one template each, M being Matrix<float> or Matrix<double>:
///
///     struct MyBaseline : uwm::BaselineOf<MyBaseline> {
///       template <class M>
///       void predict(const M& input, uwm::Vector<double>& b);
///       template <class M>
///       void update(const M& input, const uwm::Vector<double>& reward);
///     };
template <class Derived>
class BaselineOf : public Baseline {
 public:
  void predict(const Matrix<float>& input, Vector<double>& b) override { self().predict(input, b); }
  void predict(const Matrix<double>& input, Vector<double>& b) override { self().predict(input, b); }
  void update(const Matrix<float>& input, const Vector<double>& reward) override { self().update(input, reward); }
  void update(const Matrix<double>& input, const Vector<double>& reward) override { self().update(input, reward); }

 private:
  Derived& self() {
    static_assert(requires { &Derived::template predict<Matrix<float>>; }, "the baseline must define predict");
    static_assert(requires { &Derived::template update<Matrix<float>>; }, "the baseline must define update");
    return static_cast<Derived&>(*this);
  }
};

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/// A baseline that is always the same number.
class UWM_EXPORT ConstantBaseline final : public BaselineOf<ConstantBaseline> {
 public:
  /// Throws ValueError if value is not finite.
  explicit ConstantBaseline(double value);
  static BaselineInfo about();
  const BaselineInfo* info() const override;
  Settings settings() const override { return {{"value", value_}}; }
  double value() const { return value_; }
  template <class M>
  void predict(const M&, Vector<double>& b) const {
    b.setConstant(value_);
  }
  template <class M>
  void update(const M&, const Vector<double>&) const {}

 private:
  double value_;
};

/// The mean of past rewards, forgotten at a rate: value += rate * (mean reward of the batch - value).
class UWM_EXPORT RunningMean final : public BaselineOf<RunningMean> {
 public:
  /// Throws ValueError unless 0 < rate <= 1 and value is finite.
  explicit RunningMean(double rate = 0.01, double value = 0.0);
  static BaselineInfo about();
  const BaselineInfo* info() const override;
  Settings settings() const override { return {{"rate", rate_}, {"value", value_}}; }
  double rate() const { return rate_; }
  double value() const { return value_; }
  template <class M>
  void predict(const M&, Vector<double>& b) const {
    b.setConstant(value_);
  }
  template <class M>
  void update(const M&, const Vector<double>& reward) {
    const double mean = (reward / static_cast<double>(reward.size())).sum();  // no sum of rewards overflows
    const double way = mean - value_;
    value_ = std::isfinite(way) ? value_ + rate_ * way : (1 - rate_) * value_ + rate_ * mean;
  }

 private:
  double rate_, value_;
};

/// What is known of a built-in baseline.
struct BaselineInfo {
  std::string name;             ///< in files
  std::string description;      ///< in a word or two
  Baseline::Settings defaults;  ///< the settings, with the values that they have by default
  /// One with these settings, which are all of them.
  std::unique_ptr<Baseline> (*make)(const Baseline::Settings& settings);
};

/// The classes of the built-in baselines: the only list of them. The registry, files and the Python module read it.
using BuiltInBaselines = std::tuple<ConstantBaseline, RunningMean>;

/// What each says of itself.
UWM_EXPORT const std::vector<BaselineInfo>& baseline_infos();

/// What is known of the baseline of this name. Null if no baseline has it.
UWM_EXPORT const BaselineInfo* baseline_info(const std::string& name);

}  // namespace uwm
