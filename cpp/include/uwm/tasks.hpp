#pragma once

#include <cstdint>
#include <vector>

#include "uwm/task.hpp"

namespace uwm {

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
  void inputs(const Position& position, Matrix<T>& x) const;
  template <class T>
  void reward(const Position& position, const Sample<T>& sample, Vector<double>& reward) const;

 private:
  int address_bits_;
};

/// A contextual bandit: inputs drawn with replacement from the rows of a table; the reward is what the row pays for the
/// action. The network chooses by a softmax output, or by one Bernoulli unit when there are two actions.
class UWM_EXPORT Bandit final : public TaskOf<Bandit> {
 public:
  /// Pays +1 for the row's label, else -1. inputs (n, n_in), labels (n) in 0 ... n_classes-1; n_classes 0 means largest
  /// label + 1. Throws ValueError.
  Bandit(Matrix<double> inputs, std::vector<std::int64_t> labels, std::int64_t n_classes = 0);
  /// inputs (n, n_in), rewards (n, n_actions) with two actions at least. Throws ValueError.
  Bandit(Matrix<double> inputs, ConstMatrixRef<double> rewards);
  Index n_inputs() const override { return inputs_.cols(); }
  Index n_outputs() const override { return n_classes_; }
  const Matrix<double>& rows() const { return inputs_; }
  /// Empty where the task was given rewards.
  const std::vector<std::int64_t>& labels() const { return labels_; }
  /// Empty where the task was given labels.
  const Matrix<double>& rewards() const { return rewards_; }
  template <class T>
  void inputs(const Position& position, Matrix<T>& x) const;
  template <class T>
  void reward(const Position& position, const Sample<T>& sample, Vector<double>& reward) const;

 private:
  Matrix<double> inputs_;
  std::vector<std::int64_t> labels_;
  Matrix<double> rewards_;
  Index n_classes_;
};

}  // namespace uwm
