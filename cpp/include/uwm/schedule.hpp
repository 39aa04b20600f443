#pragma once

#include <cstdint>

#include "uwm/export.hpp"

namespace uwm {

/// A learning rate that changes with the number of updates.
///
/// Linear and exponential schedules go from `start` to `end` over `steps` updates and stay there. An inverse root is
/// start / sqrt(1 + t / steps), and rises to that in equal steps over the first `warm_up` updates.
struct UWM_EXPORT Schedule {
  enum class Shape { constant, linear, exponential, inverse_root };
  Shape shape = Shape::constant;
  double start = 0.0, end = 0.0;
  std::int64_t steps = 0, warm_up = 0;

  Schedule() = default;
  Schedule(double value) : start(value), end(value) {}  // NOLINT: a number is a schedule
  /// Throw ValueError unless steps >= 1 and the numbers are finite and not negative (exponential: positive).
  static Schedule linear(double start, double end, std::int64_t steps);
  static Schedule exponential(double start, double end, std::int64_t steps);
  /// Throws ValueError unless steps >= 1, warm_up >= 0 and the rate is finite and not negative.
  static Schedule inverse_root(double rate, std::int64_t steps, std::int64_t warm_up = 0);

  /// The value after t updates.
  double at(std::int64_t t) const;
};

}  // namespace uwm
