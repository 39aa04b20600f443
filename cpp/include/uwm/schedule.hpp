#pragma once

#include <cstdint>

#include "uwm/export.hpp"

namespace uwm {

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

}  // namespace uwm
