#pragma once

#include <cmath>

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"

namespace uwm {

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
  /// Takes the last update back, since the training step that it belonged to has failed. It is called at most once for
  /// an update. By default it does nothing.
  virtual void undo() {}
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
  double rate() const { return rate_; }
  double value() const { return value_; }
  template <class M>
  void predict(const M&, Vector<double>& b) const {
    b.setConstant(value_);
  }
  template <class M>
  void update(const M&, const Vector<double>& reward) {
    before_ = value_;
    const double mean = (reward / static_cast<double>(reward.size())).sum();  // no sum of rewards overflows
    const double way = mean - value_;
    value_ = std::isfinite(way) ? value_ + rate_ * way : (1 - rate_) * value_ + rate_ * mean;
  }
  void undo() override { value_ = before_; }

 private:
  double rate_, value_, before_;
};

}  // namespace uwm
