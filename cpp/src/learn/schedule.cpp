// Schedules: learning rates that change with the number of updates.

#include "uwm/schedule.hpp"

#include <cmath>

#include "work/message.hpp"

namespace uwm {

namespace {

void check_schedule(double start, double end, std::int64_t steps) {
  require(std::isfinite(start) && std::isfinite(end), "a schedule must go between finite numbers, got ", start, " and ",
          end);
  require(steps >= 1, "a schedule must last at least 1 step, got ", steps);
}

}  // namespace

Schedule Schedule::linear(double start, double end, std::int64_t steps) {
  check_schedule(start, end, steps);
  Schedule s;
  s.shape = Shape::linear;
  s.start = start;
  s.end = end;
  s.steps = steps;
  return s;
}

Schedule Schedule::exponential(double start, double end, std::int64_t steps) {
  check_schedule(start, end, steps);
  require(start > 0 && end > 0, "an exponential schedule must go between positive numbers, got ", start, " and ", end);
  Schedule s = linear(start, end, steps);
  s.shape = Shape::exponential;
  return s;
}

Schedule Schedule::inverse_root(double rate, std::int64_t steps, std::int64_t warm_up) {
  require(warm_up >= 0, "warm_up must be at least 0, got ", warm_up);
  Schedule s = linear(rate, rate, steps);
  s.shape = Shape::inverse_root;
  s.warm_up = warm_up;
  return s;
}

double Schedule::at(std::int64_t t) const {
  if (shape == Shape::constant) return start;
  if (shape == Shape::inverse_root) {
    const double risen = t < warm_up ? static_cast<double>(t + 1) / static_cast<double>(warm_up) : 1.0;
    return risen * start / std::sqrt(1 + static_cast<double>(t) / static_cast<double>(steps));
  }
  if (t >= steps) return end;
  const double part = static_cast<double>(t) / static_cast<double>(steps);
  return shape == Shape::linear ? start + part * (end - start) : start * std::pow(end / start, part);
}

}  // namespace uwm
