// The base of the optimizers: what an optimizer must fit, and its update from outside of training.

#include "uwm/optimizer.hpp"

#include <cmath>
#include <limits>

#include "learn/apply.hpp"
#include "uwm/step_sizes.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

std::vector<Schedule> checked(std::vector<Schedule> learning_rate) {
  for (const Schedule& s : learning_rate)
    for (const double rate : {s.start, s.end})
      require(rate >= 0 && std::isfinite(rate), "learning rates must be finite and not negative, got ", rate);
  return learning_rate;
}

}  // namespace

Optimizer::Optimizer(std::vector<Schedule> learning_rate) : learning_rate_(checked(std::move(learning_rate))) {}

void Optimizer::set_learning_rate(std::vector<Schedule> learning_rate) {
  require(!learning_rate.empty() || has_automatic_rate(),
          "learning_rate must be a number or schedule, or one per layer, got none: ", name(), " has no automatic one");
  learning_rate_ = checked(std::move(learning_rate));
}

template <class T>
double Optimizer::rate(const Network<T>& net, std::size_t layer) const {
  if (learning_rate_.empty()) return automatic_rate(net, layer).at(steps_);
  return learning_rate_[learning_rate_.size() == 1 ? 0 : layer].at(steps_);
}

void Optimizer::restore(std::int64_t steps, State state) {
  require(steps >= 0, "the number of updates must not be negative, got ", steps);
  steps_ = steps;
  state_ = std::move(state);
}

template <class T>
void Optimizer::check(const Network<T>& net) const {
  const std::size_t layers = net.layers().size();
  check_settings(static_cast<double>(std::numeric_limits<T>::max()),
                 static_cast<double>(std::numeric_limits<T>::epsilon()));
  require(n_moments() <= max_moments, name(), " must keep at most ", max_moments, " moments, got ", n_moments());
  require(!learning_rate_.empty() || has_automatic_rate(),
          "learning_rate must be a number or schedule, or one per layer, got none: ", name(), " has no automatic one");
  require(learning_rate_.size() <= 1 || learning_rate_.size() == layers,
          "learning_rate must be one number or one per layer (", layers, "), got ", learning_rate_.size());
  if (std::holds_alternative<std::monostate>(state_)) return;
  const auto* moments = std::get_if<Moments<T>>(&state_);
  require(moments != nullptr, "net must be the network of the first step, got the other precision");
  require(moments->size() == n_moments(), name(), " must have ", n_moments(), " moments, got ", moments->size());
  for (const auto& moment : *moments) {
    bool same = moment.size() == layers;
    for (std::size_t l = 0; same && l < layers; ++l)
      same = moment[l].weight.rows() == net.layers()[l].weight.rows() &&
             moment[l].weight.cols() == net.layers()[l].weight.cols() &&
             moment[l].bias.size() == net.layers()[l].bias.size();
    require(same, "net must be the network of the first step, got another shape");
  }
}

void Optimizer::check_settings(double largest, double) const {
  for (const Schedule& s : learning_rate_)
    for (const double rate : {s.start, s.end})
      require(rate <= largest, "learning rates must be at most ", largest, " for this network's precision, got ", rate);
}

template <class T>
void Optimizer::step(Network<T>& net, const Gradient<T>& gradient) {
  check(net);
  net.check_shapes();
  const auto& layers = net.layers();
  require(gradient.layers.size() == layers.size(), "the gradient must have the network's ", layers.size(),
          " layers, got ", gradient.layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto& g = gradient.layers[l];
    const auto& w = layers[l].weight;
    require(g.weight.rows() == w.rows() && g.weight.cols() == w.cols() && g.bias.size() == w.rows(),
            "the gradient of layer ", l, " must have shape (", w.rows(), ", ", w.cols(), "), got (", g.weight.rows(),
            ", ", g.weight.cols(), ")");
  }
  const std::string refused = apply_gradient<T>(*this, net, gradient, Watch::parameters, nullptr);
  require(refused.empty(), refused);
}

template double Optimizer::rate(const Network<float>&, std::size_t) const;
template double Optimizer::rate(const Network<double>&, std::size_t) const;
template void Optimizer::check(const Network<float>&) const;
template void Optimizer::check(const Network<double>&) const;
template void Optimizer::step(Network<float>&, const Gradient<float>&);
template void Optimizer::step(Network<double>&, const Gradient<double>&);

}  // namespace uwm
