#include "uwm/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "apply.hpp"
#include "grain.hpp"
#include "kernels/kernels.hpp"
#include "message.hpp"

namespace uwm {

namespace {

/// A fixed number, so that a step allocates nothing.
constexpr std::size_t max_moments = 8;

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

Optimizer::Optimizer(std::vector<Schedule> learning_rate) : learning_rate_(std::move(learning_rate)) {
  require(!learning_rate_.empty(), "learning_rate must be a number or one number per layer, got an empty list");
  for (const Schedule& s : learning_rate_)
    for (const double rate : {s.start, s.end})
      require(rate >= 0 && std::isfinite(rate), "learning rates must be finite and not negative, got ", rate);
}

void Optimizer::restore(std::int64_t steps, State state) {
  require(steps >= 0, "the number of updates must not be negative, got ", steps);
  steps_ = steps;
  state_ = std::move(state);
}

template <class T>
void Optimizer::check(const Network<T>& net) const {
  const std::size_t layers = net.layers().size();
  require(n_moments() <= max_moments, "an optimizer may keep ", max_moments, " moments, ", name(), " wants ",
          n_moments());
  require(learning_rate_.size() == 1 || learning_rate_.size() == layers,
          "learning_rate must be one number or one per layer (", layers, "), got ", learning_rate_.size());
  if (std::holds_alternative<std::monostate>(state_)) return;
  const auto* moments = std::get_if<Moments<T>>(&state_);
  require(moments != nullptr, "the optimizer has worked on a network of the other precision; make a new one");
  require(moments->size() == n_moments(), name(), " keeps ", n_moments(), " moments, got ", moments->size());
  for (const auto& moment : *moments) {
    bool same = moment.size() == layers;
    for (std::size_t l = 0; same && l < layers; ++l)
      same = moment[l].weight.rows() == net.layers()[l].weight.rows() &&
             moment[l].weight.cols() == net.layers()[l].weight.cols() &&
             moment[l].bias.size() == net.layers()[l].bias.size();
    require(same, "the optimizer has worked on a network of another shape; make a new one");
  }
}

template <class T>
void Optimizer::step(Network<T>& net, const Gradient<T>& gradient) {
  check(net);
  net.check_shapes();
  const auto& layers = net.layers();
  require(gradient.layers.size() == layers.size(), "the gradient has ", gradient.layers.size(),
          " layers, the network has ", layers.size());
  const auto finite = [](const auto& x) { return std::isfinite(kernels::active<T>().max_abs(x.size(), x.data())); };
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto& g = gradient.layers[l];
    const auto& w = layers[l].weight;
    require(g.weight.rows() == w.rows() && g.weight.cols() == w.cols() && g.bias.size() == w.rows(),
            "the gradient of layer ", l, " must have shape (", w.rows(), ", ", w.cols(), "), got (", g.weight.rows(),
            ", ", g.weight.cols(), ")");
    require(finite(g.weight) && finite(g.bias), "the gradient of layer ", l,
            " must be finite, but holds NaN or infinity");
  }
  apply_gradient<T>(*this, net, gradient, nullptr);
}

template <class T>
void apply_gradient(Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Threads* threads) {
  using Moments = Optimizer::Moments<T>;
  auto& layers = net.layers();
  if (std::holds_alternative<std::monostate>(optimizer.state_)) {
    Moments zeros(optimizer.n_moments(), std::vector<LayerGradient<T>>(layers.size()));
    for (auto& moment : zeros)
      for (std::size_t l = 0; l < layers.size(); ++l) {
        moment[l].weight.setZero(layers[l].weight.rows(), layers[l].weight.cols());
        moment[l].bias.setZero(layers[l].bias.size());
      }
    optimizer.state_ = std::move(zeros);
  }
  auto& moments = std::get<Moments>(optimizer.state_);
  const auto& rates = optimizer.learning_rate_;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const double rate = rates[rates.size() == 1 ? 0 : l].at(optimizer.steps_);
    const auto apply = [&](auto array) {
      const auto& g = array(gradient.layers[l]);
      split(threads, g.size(), grain_of(update_cost), [&](Index begin, Index end, int) {
        T* of_piece[max_moments] = {};
        for (std::size_t k = 0; k < moments.size(); ++k) of_piece[k] = array(moments[k][l]).data() + begin;
        optimizer.update(Optimizer::Update<T>{end - begin, g.data() + begin, of_piece, array(layers[l]).data() + begin,
                                              rate, optimizer.steps_ + 1});
      });
    };
    apply([](auto& layer) -> auto& { return layer.weight; });
    apply([](auto& layer) -> auto& { return layer.bias; });
  }
  ++optimizer.steps_;
}

SGD::SGD(std::vector<Schedule> learning_rate, double momentum)
    : Optimizer(std::move(learning_rate)), momentum_(momentum) {
  require(momentum >= 0 && momentum < 1, "momentum must be at least 0 and below 1, got ", momentum);
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

Adam::Adam(std::vector<Schedule> learning_rate, double beta1, double beta2, double epsilon)
    : Optimizer(std::move(learning_rate)), beta1_(beta1), beta2_(beta2), epsilon_(epsilon) {
  require(beta1 >= 0 && beta1 < 1, "beta1 must be at least 0 and below 1, got ", beta1);
  require(beta2 >= 0 && beta2 < 1, "beta2 must be at least 0 and below 1, got ", beta2);
  require(epsilon > 0 && std::isfinite(epsilon), "epsilon must be positive and finite, got ", epsilon);
}

namespace {

/// 1 - beta^t; the power is not computed where it no longer counts.
double bias_correction(double beta, std::int64_t step) {
  const double t = static_cast<double>(step);
  return t * (1 - beta) > 50 ? 1.0 : 1 - std::pow(beta, t);
}

}  // namespace

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

template void Optimizer::check(const Network<float>&) const;
template void Optimizer::check(const Network<double>&) const;
template void Optimizer::step(Network<float>&, const Gradient<float>&);
template void Optimizer::step(Network<double>&, const Gradient<double>&);
template void apply_gradient(Optimizer&, Network<float>&, const Gradient<float>&, Threads*);
template void apply_gradient(Optimizer&, Network<double>&, const Gradient<double>&, Threads*);
template void SGD::apply(const Update<float>&) const;
template void SGD::apply(const Update<double>&) const;
template void Adam::apply(const Update<float>&) const;
template void Adam::apply(const Update<double>&) const;

}  // namespace uwm
