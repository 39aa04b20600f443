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

double Schedule::at(std::int64_t t) const {
  if (shape == Shape::constant) return start;
  if (t >= steps) return end;
  const double part = static_cast<double>(t) / static_cast<double>(steps);
  return shape == Shape::linear ? start + part * (end - start) : start * std::pow(end / start, part);
}

}  // namespace uwm
