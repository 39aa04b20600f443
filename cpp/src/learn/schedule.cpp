// Schedules: learning rates that change with the number of updates.

#include "uwm/schedule.hpp"

#include <cmath>

#include "work/message.hpp"

namespace uwm {

namespace {

void check_rate(const char* name, double rate) {
  require(std::isfinite(rate), name, " must be a finite number, got ", rate);
  require(rate >= 0, name, " must be at least 0, got ", rate);
}

Schedule schedule(Schedule::Shape shape, double start, double end, std::int64_t steps) {
  require(steps >= 1, "steps must be at least 1, got ", steps);
  Schedule s;
  s.shape = shape;
  s.start = start;
  s.end = end;
  s.steps = steps;
  return s;
}

}  // namespace

Schedule Schedule::linear(double start, double end, std::int64_t steps) {
  check_rate("start", start);
  check_rate("end", end);
  return schedule(Shape::linear, start, end, steps);
}

Schedule Schedule::exponential(double start, double end, std::int64_t steps) {
  check_rate("start", start);
  check_rate("end", end);
  require(start > 0, "start must be above 0, got ", start);
  require(end > 0, "end must be above 0, got ", end);
  return schedule(Shape::exponential, start, end, steps);
}

Schedule Schedule::inverse_root(double rate, std::int64_t steps, std::int64_t warm_up) {
  check_rate("rate", rate);
  require(warm_up >= 0, "warm_up must be at least 0, got ", warm_up);
  Schedule s = schedule(Shape::inverse_root, rate, rate, steps);
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
