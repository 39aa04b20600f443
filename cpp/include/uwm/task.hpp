#pragma once

#include <cstdint>
#include <vector>

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"
#include "uwm/random.hpp"
#include "uwm/sample.hpp"

namespace uwm {

/// A source of inputs, and of a reward for what the network did with them.
///
/// Inputs come in the precision of the network: subclass TaskOf, or answer both.
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

/// Base of the tasks: Derived has templates draw(position, x) and judge(position, sample, reward).
template <class Derived>
class TaskOf : public Task {
 public:
  void inputs(const Position& at, Matrix<float>& x) override { self().draw(at, x); }
  void inputs(const Position& at, Matrix<double>& x) override { self().draw(at, x); }
  void reward(const Position& at, const Sample<float>& s, Vector<double>& r) override { self().judge(at, s, r); }
  void reward(const Position& at, const Sample<double>& s, Vector<double>& r) override { self().judge(at, s, r); }

 private:
  Derived& self() { return static_cast<Derived&>(*this); }
};

/// k address bits and 2^k data bits, fair coins encoded -1 / +1, address first, most significant bit first. The
/// output unit must give the data bit that the address names: reward +1 if it does, else -1.
class UWM_EXPORT Multiplexer final : public TaskOf<Multiplexer> {
 public:
  /// Throws ValueError unless 1 <= address_bits <= 16.
  explicit Multiplexer(int address_bits = 4);
  int address_bits() const { return address_bits_; }
  Index n_inputs() const override { return address_bits_ + (Index{1} << address_bits_); }
  Index n_outputs() const override { return 1; }
  template <class T>
  void draw(const Position& position, Matrix<T>& x) const;
  template <class T>
  void judge(const Position& position, const Sample<T>& sample, Vector<double>& reward) const;

 private:
  int address_bits_;
};

/// A contextual bandit: inputs drawn with replacement from the rows of a table; reward +1 for the row's label, else -1.
/// The network chooses by a softmax output, or by one Bernoulli unit when there are two classes.
class UWM_EXPORT Bandit final : public TaskOf<Bandit> {
 public:
  /// inputs (n, n_in), labels (n) in 0 ... n_classes-1; n_classes 0 means largest label + 1. Throws ValueError.
  Bandit(Matrix<double> inputs, std::vector<std::int64_t> labels, std::int64_t n_classes = 0);
  Index n_inputs() const override { return inputs_.cols(); }
  Index n_outputs() const override { return n_classes_; }
  const Matrix<double>& rows() const { return inputs_; }
  const std::vector<std::int64_t>& labels() const { return labels_; }
  template <class T>
  void draw(const Position& position, Matrix<T>& x) const;
  template <class T>
  void judge(const Position& position, const Sample<T>& sample, Vector<double>& reward) const;

 private:
  Matrix<double> inputs_;
  std::vector<std::int64_t> labels_;
  Index n_classes_;
};

}  // namespace uwm
