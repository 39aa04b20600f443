#pragma once

#include <cstdint>

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"

namespace uwm {

/// Mean and variance of numbers that come one after the other, each column for itself (Welford, 1962).
///
///     uwm::RunningStatistics statistics(4);
///     statistics.add(x);                      // x: 4 numbers
///     statistics.standardize(x, y);           // y = (x - mean) / sqrt(variance + 1e-8)
class UWM_EXPORT RunningStatistics {
 public:
  explicit RunningStatistics(Index columns = 1);

  void add(const float* x);
  void add(double x);  ///< for a single column

  /// (x - mean) / deviation of each column, into y; x and y may be the same memory.
  void standardize(const float* x, float* y) const;

  std::int64_t count() const { return count_; }
  const Vector<double>& mean() const { return mean_; }
  /// The sum of the squared distances from the mean.
  const Vector<double>& squares() const { return squares_; }
  /// sqrt(squares / (count - 1) + 1e-8); 1 before there are two numbers.
  double deviation(Index column = 0) const { return deviation_[column]; }

  /// Throws ValueError unless there is a mean and a sum of squares for each column.
  void restore(std::int64_t count, Vector<double> mean, Vector<double> squares);

 private:
  void update_deviation();

  std::int64_t count_ = 0;
  Vector<double> mean_, squares_, deviation_;
};

}  // namespace uwm
