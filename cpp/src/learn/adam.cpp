// Adam: the step of each parameter is scaled by the root of its mean squared gradient.

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"
#include "learn/decay.hpp"
#include "uwm/optimizers.hpp"
#include "work/message.hpp"

namespace uwm {

OptimizerInfo Adam::about() {
  return {.name = "adam",
          .description = "Adam (Kingma and Ba, 2015)",
          .defaults = Adam().settings(),
          .make = [](std::vector<Schedule> rates, const Settings& s) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Adam>(std::move(rates), s.at("beta1"), s.at("beta2"), s.at("epsilon"));
          }};
}

const OptimizerInfo* Adam::info() const { return optimizer_info(name()); }

Adam::Adam(std::vector<Schedule> learning_rate, double beta1, double beta2, double epsilon)
    : Optimizer(std::move(learning_rate)), beta1_(beta1), beta2_(beta2), epsilon_(epsilon) {
  require(beta1 >= 0 && beta1 < 1, "beta1 must be at least 0 and below 1, got ", beta1);
  require(beta2 >= 0 && beta2 < 1, "beta2 must be at least 0 and below 1, got ", beta2);
  require(epsilon > 0 && std::isfinite(epsilon), "epsilon must be positive and finite, got ", epsilon);
}

namespace {

/// 1 - beta^t. Beyond t (1 - beta) = 50 the power is below e^-50 = 2e-22, too little to change a double near 1.
double bias_correction(double beta, std::int64_t step) {
  const double t = static_cast<double>(step);
  return t * (1 - beta) > 50 ? 1.0 : 1 - std::pow(beta, t);
}

}  // namespace

void Adam::check_settings(double largest, double precision) const {
  Optimizer::check_settings(largest, precision);
  check_decay("beta1", beta1_, precision);
  check_decay("beta2", beta2_, precision);
  require(epsilon_ <= largest, "epsilon must be at most ", largest, " for this network's precision, got ", epsilon_);
}

template <class T>
void Adam::apply(const Update<T>& u) const {
  const kernels::Adam<T> constants = {
      .beta1 = static_cast<T>(beta1_),
      .one_minus_beta1 = static_cast<T>(1 - beta1_),
      .beta2 = static_cast<T>(beta2_),
      .one_minus_beta2 = static_cast<T>(1 - beta2_),
      .rate = static_cast<T>(u.rate / bias_correction(beta1_, u.step)),
      .root_scale = static_cast<T>(1 / std::sqrt(bias_correction(beta2_, u.step))),
      .epsilon = std::max(static_cast<T>(epsilon_), std::numeric_limits<T>::min()),
  };
  kernels::active<T>().adam(u.n, constants, u.gradient, u.moments[0], u.moments[1], u.parameter);
}

template void Adam::apply(const Update<float>&) const;
template void Adam::apply(const Update<double>&) const;

}  // namespace uwm
