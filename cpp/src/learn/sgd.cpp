// Gradient ascent, with momentum where one is wanted.

#include "learn/decay.hpp"
#include "uwm/optimizers.hpp"
#include "work/message.hpp"

namespace uwm {

OptimizerInfo SGD::about() {
  return {.name = "sgd",
          .description = "gradient ascent, with momentum if wanted",
          .defaults = SGD({0.0}).settings(),
          .make = [](std::vector<Schedule> rates, const Settings& s) -> std::unique_ptr<Optimizer> {
            return std::make_unique<SGD>(std::move(rates), s.at("momentum"));
          }};
}

const OptimizerInfo* SGD::info() const { return optimizer_info(name()); }

SGD::SGD(std::vector<Schedule> learning_rate, double momentum)
    : Optimizer(std::move(learning_rate)), momentum_(momentum) {
  require(!this->learning_rate().empty(),
          "learning_rate must be a number or schedule, or one per layer, got none: sgd has no automatic one");
  require(momentum >= 0 && momentum < 1, "momentum must be at least 0 and below 1, got ", momentum);
}

void SGD::check_settings(double largest, double precision) const {
  Optimizer::check_settings(largest, precision);
  check_decay("momentum", momentum_, precision);
}

template <class T>
void SGD::apply(const Update<T>& u) const {
  Eigen::Map<const Vector<T>> g(u.gradient, u.n);
  Eigen::Map<Vector<T>> w(u.parameter, u.n);
  const T rate = static_cast<T>(u.rate);
  if (momentum_ > 0) {
    Eigen::Map<Vector<T>> v(u.moments[0], u.n);
    v = static_cast<T>(momentum_) * v + g;
    w += rate * v;
  } else {
    w += rate * g;
  }
}

template void SGD::apply(const Update<float>&) const;
template void SGD::apply(const Update<double>&) const;

}  // namespace uwm
