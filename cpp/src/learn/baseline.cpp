// Baselines: what is subtracted from a reward.

#include "uwm/baseline.hpp"

#include <cmath>

#include "work/message.hpp"

namespace uwm {

ConstantBaseline::ConstantBaseline(double value) : value_(value) {
  require(std::isfinite(value), "a baseline must be finite, got ", value);
}

RunningMean::RunningMean(double rate, double value) : rate_(rate), value_(value), before_(value) {
  require(rate > 0 && rate <= 1, "rate must be above 0 and at most 1, got ", rate);
  require(std::isfinite(value), "value must be finite, got ", value);
}

}  // namespace uwm
