#include "uwm/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"
#include "learn/apply.hpp"
#include "work/grain.hpp"
#include "work/message.hpp"

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
  check_settings(static_cast<double>(std::numeric_limits<T>::max()),
                 static_cast<double>(std::numeric_limits<T>::epsilon()));
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

void Optimizer::check_settings(double largest, double) const {
  for (const Schedule& s : learning_rate_)
    for (const double rate : {s.start, s.end})
      require(rate <= largest, "learning rates must be at most ", largest, " for this network's precision, got ", rate);
}

namespace {

template <class T>
T largest(const auto& x) {
  return kernels::active<T>().max_abs(x.size(), x.data());
}

template <class T>
T largest(const LayerGradient<T>& g) {
  return std::max(largest<T>(g.weight), largest<T>(g.bias));
}

template <class T>
T largest(const Layer<T>& layer) {
  return std::max(largest<T>(layer.weight), largest<T>(layer.bias));
}

/// Numbers up to here are far from an overflow, products of two included.
template <class T>
constexpr T calm = sizeof(T) == 4 ? T(1e12) : T(1e150);

template <class T>
void copy_parameters(const std::vector<Layer<T>>& from, std::vector<Layer<T>>& to) {
  for (std::size_t l = 0; l < to.size(); ++l) {
    to[l].weight = from[l].weight;
    to[l].bias = from[l].bias;
  }
}

}  // namespace

/// One update of a network by an optimizer.
template <class T>
class Step {
 public:
  Step(Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Threads* threads)
      : optimizer_(optimizer),
        net_(net),
        whole_(gradient),
        layers_(net.layers()),
        gradient_(gradient.layers),
        threads_(threads) {}

  std::string make(Watch watch) {
    bool calm_so_far = true;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const T most = largest<T>(gradient_[l]);
      if (!std::isfinite(most)) return text("the gradient of layer ", l, " must be finite, but holds NaN or infinity");
      calm_so_far = calm_so_far && most <= calm<T> && rate(l) <= static_cast<double>(calm<T>);
    }
    if (optimizer_.update_network(net_, whole_)) {
      ++optimizer_.steps_;
      return "";
    }
    if (calm_so_far && (watch == Watch::gradient || all(calm<T>) == layers_.size())) {
      apply();
      return "";
    }
    return apply_or_undo();
  }

 private:
  using Moments = Optimizer::Moments<T>;

  double rate(std::size_t l) const {
    const auto& rates = optimizer_.learning_rate_;
    return rates[rates.size() == 1 ? 0 : l].at(optimizer_.steps_);
  }

  /// The first layer with a parameter or moment beyond the limit; the number of layers if there is none.
  std::size_t all(T limit) const {
    const auto* moments = std::get_if<Moments>(&optimizer_.state_);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      bool within = largest<T>(layers_[l]) <= limit;
      if (moments != nullptr)
        for (const auto& moment : *moments) within = within && largest<T>(moment[l]) <= limit;
      if (!within) return l;
    }
    return layers_.size();
  }

  std::string apply_or_undo() {
    const auto layers = layers_;
    const auto state = optimizer_.state_;
    apply();
    const std::size_t l = all(std::numeric_limits<T>::max());
    if (l == layers_.size()) return "";
    copy_parameters<T>(layers, layers_);
    optimizer_.state_ = state;
    --optimizer_.steps_;
    return text("the update of layer ", l, " must stay within ", sizeof(T) == 4 ? "float32" : "float64",
                ", but overflows: the learning rate is ", rate(l), " and the gradient goes up to ",
                largest<T>(gradient_[l]));
  }

  void apply() {
    if (std::holds_alternative<std::monostate>(optimizer_.state_)) optimizer_.state_ = zeros();
    auto& moments = std::get<Moments>(optimizer_.state_);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      apply(l, moments, [](auto& layer) -> auto& { return layer.weight; });
      apply(l, moments, [](auto& layer) -> auto& { return layer.bias; });
    }
    ++optimizer_.steps_;
  }

  template <class Array>
  void apply(std::size_t l, Moments& moments, Array array) {
    const auto& g = array(gradient_[l]);
    split(threads_, g.size(), grain_of(update_cost), [&](Index begin, Index end, int) {
      T* of_piece[max_moments] = {};
      for (std::size_t k = 0; k < moments.size(); ++k) of_piece[k] = array(moments[k][l]).data() + begin;
      optimizer_.update(Optimizer::Update<T>{end - begin, g.data() + begin, of_piece, array(layers_[l]).data() + begin,
                                             rate(l), optimizer_.steps_ + 1});
    });
  }

  Moments zeros() const {
    Moments made(optimizer_.n_moments(), std::vector<LayerGradient<T>>(layers_.size()));
    for (auto& moment : made)
      for (std::size_t l = 0; l < layers_.size(); ++l) {
        moment[l].weight.setZero(layers_[l].weight.rows(), layers_[l].weight.cols());
        moment[l].bias.setZero(layers_[l].bias.size());
      }
    return made;
  }

  Optimizer& optimizer_;
  Network<T>& net_;
  const Gradient<T>& whole_;
  std::vector<Layer<T>>& layers_;
  const std::vector<LayerGradient<T>>& gradient_;
  Threads* threads_;
};

template <class T>
std::string apply_gradient(Optimizer& optimizer, Network<T>& net, const Gradient<T>& gradient, Watch watch,
                           Threads* threads) {
  return Step<T>(optimizer, net, gradient, threads).make(watch);
}

template <class T>
void Optimizer::step(Network<T>& net, const Gradient<T>& gradient) {
  check(net);
  net.check_shapes();
  const auto& layers = net.layers();
  require(gradient.layers.size() == layers.size(), "the gradient has ", gradient.layers.size(),
          " layers, the network has ", layers.size());
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

SGD::SGD(std::vector<Schedule> learning_rate, double momentum)
    : Optimizer(std::move(learning_rate)), momentum_(momentum) {
  require(momentum >= 0 && momentum < 1, "momentum must be at least 0 and below 1, got ", momentum);
}

namespace {

/// A decay of 1 forgets nothing.
void check_decay(const char* name, double decay, double precision) {
  require(1 - decay > precision / 4, name, " must be below 1 in this network's precision, got 1 - ", 1 - decay);
}

}  // namespace

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

template void Optimizer::check(const Network<float>&) const;
template void Optimizer::check(const Network<double>&) const;
template void Optimizer::step(Network<float>&, const Gradient<float>&);
template void Optimizer::step(Network<double>&, const Gradient<double>&);
template std::string apply_gradient(Optimizer&, Network<float>&, const Gradient<float>&, Watch, Threads*);
template std::string apply_gradient(Optimizer&, Network<double>&, const Gradient<double>&, Watch, Threads*);
template void SGD::apply(const Update<float>&) const;
template void SGD::apply(const Update<double>&) const;
template void Adam::apply(const Update<float>&) const;
template void Adam::apply(const Update<double>&) const;

}  // namespace uwm
