#pragma once

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"
#include "uwm/random.hpp"
#include "uwm/sample.hpp"

namespace uwm {

/// A source of inputs, and of a reward for what the network did with them.
///
/// Inputs are in the precision of the network. A subclass of TaskOf has one template for both precisions.
class UWM_EXPORT Task {
 public:
  virtual ~Task() = default;
  virtual Index n_inputs() const = 0;
  virtual Index n_outputs() const = 0;

  /// Fills x, (batch, n_inputs).
  virtual void inputs(const Position& position, Matrix<float>& x) = 0;
  virtual void inputs(const Position& position, Matrix<double>& x) = 0;

  /// Fills reward, (batch), for the sample drawn from the inputs of the same position.
  virtual void reward(const Position& position, const Sample<float>& sample, Vector<double>& reward) = 0;
  virtual void reward(const Position& position, const Sample<double>& sample, Vector<double>& reward) = 0;
};

// The templates of the derived class hide the functions of the same name here. That is intended.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#endif

/// Base of the tasks that answer in both precisions by one template each:
///
///     struct MyTask : uwm::TaskOf<MyTask> {
///       uwm::Index n_inputs() const override;
///       uwm::Index n_outputs() const override;
///       template <class T>
///       void inputs(const uwm::Position& position, uwm::Matrix<T>& x);
///       template <class T>
///       void reward(const uwm::Position& position, const uwm::Sample<T>& sample, uwm::Vector<double>& reward);
///     };
template <class Derived>
class TaskOf : public Task {
 public:
  void inputs(const Position& at, Matrix<float>& x) override { self().inputs(at, x); }
  void inputs(const Position& at, Matrix<double>& x) override { self().inputs(at, x); }
  void reward(const Position& at, const Sample<float>& s, Vector<double>& r) override { self().reward(at, s, r); }
  void reward(const Position& at, const Sample<double>& s, Vector<double>& r) override { self().reward(at, s, r); }

 private:
  Derived& self() {
    static_assert(requires { &Derived::template inputs<float>; }, "the task must define the template inputs");
    static_assert(requires { &Derived::template reward<float>; }, "the task must define the template reward");
    return static_cast<Derived&>(*this);
  }
};

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

}  // namespace uwm
