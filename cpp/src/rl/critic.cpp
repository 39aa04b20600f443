// The critic: a network of ordinary units that predicts the discounted sum of future rewards.

#include "uwm/critic.hpp"

#include <algorithm>
#include <cmath>

#include "learn/apply.hpp"
#include "network/forward.hpp"
#include "rl/space.hpp"
#include "uwm/error.hpp"
#include "work/memory.hpp"
#include "work/message.hpp"
#include "work/multiply.hpp"

namespace uwm {

namespace {

constexpr float leak = 0.01f;
constexpr float least_layer_variance = 1e-5f;

std::vector<Index> sizes_of(Index n_inputs, const CriticSettings& settings) {
  std::vector<Index> sizes = {n_inputs};
  sizes.insert(sizes.end(), settings.hidden.begin(), settings.hidden.end());
  sizes.push_back(1);
  return sizes;
}

/// log(1 + exp(z)) without overflow.
float softplus_unit(float z) { return std::max(z, 0.0f) + std::log1p(std::exp(-std::abs(z))); }

}  // namespace

Critic::Critic(Index n_inputs, Index environments, CriticSettings settings, double discount, std::uint64_t seed)
    : settings_(std::move(settings)),
      decay_(static_cast<float>(discount * settings_.trace)),
      net_(sizes_of(n_inputs, settings_), "gaussian", {.seed = seed, .initial_gain = {1.0}}),
      adam_(make_optimizer(environments)),
      traces_(net_, environments),
      activities_(net_.layers().size()) {
  require(settings_.trace >= 0 && settings_.trace <= 1, "the critic's trace must be between 0 and 1, got ",
          settings_.trace);
  require(settings_.overshoot > 0 && std::isfinite(settings_.overshoot), "overshoot must be positive and finite, got ",
          settings_.overshoot);
  adam_.check(net_);
  gradient_.resize_like(net_);
  resize(environments);
}

Adam Critic::make_optimizer(Index environments) const {
  auto rates = settings_.learning_rate;
  if (rates.empty()) rates = {0.0};
  return Adam(per_update(std::move(rates), environments), settings_.beta1, settings_.beta2);
}

void Critic::set_environments(Index n) {
  auto adam = make_optimizer(n);
  adam.restore(adam_.steps() * traces_.environments() / n, adam_.state());
  adam_ = std::move(adam);
  traces_ = Traces(net_, n);
  resize(n);
}

void Critic::resize(Index environments) {
  resize_like(net_, environments, sample_);
  coefficient_.resize(environments);
  norm_.setZero(environments);
  for (std::size_t l = 0; l < activities_.size(); ++l) {
    activities_[l].normalized.resize(environments, net_.sizes()[l + 1]);
    activities_[l].delta.resize(environments, net_.sizes()[l + 1]);
    activities_[l].inverse_std.resize(environments);
  }
}

void Critic::forward(ConstMatrixRef<float> x, Vector<double>& value) {
  sample_.input = x;
  for (std::size_t l = 0; l < net_.layers().size(); ++l) {
    logits(net_, l, sample_);
    if (l + 1 < net_.layers().size()) activate(l);
  }
  value = sample_.layers.back().logit.col(0).cast<double>();
  if (!value.allFinite()) throw DivergenceError("learning diverged: a value of the critic is not finite");
}

void Critic::activate(std::size_t layer) {
  const auto& z = sample_.layers[layer].logit;
  auto& h = sample_.layers[layer].activation;
  if (settings_.units == CriticSettings::Units::softplus) {
    h = z.unaryExpr(&softplus_unit);
    return;
  }
  auto& [normalized, delta, inverse_std] = activities_[layer];
  for (Index k = 0; k < z.rows(); ++k) {
    const float mean = z.row(k).mean();
    const float variance = (z.row(k).array() - mean).square().mean();
    inverse_std[k] = 1 / std::sqrt(variance + least_layer_variance);
    normalized.row(k) = (z.row(k).array() - mean) * inverse_std[k];
    h.row(k) = normalized.row(k).cwiseMax(leak * normalized.row(k));
  }
}

/// From d value / d logit of the layer above to that of this layer.
void Critic::pass_down(std::size_t layer) {
  const auto& upper = net_.layers()[layer + 1].weight;
  auto& [normalized, delta, inverse_std] = activities_[layer];
  const auto& above = activities_[layer + 1].delta;
  multiply(nullptr,
           kernels::Product<float>{.m = above.rows(),
                                   .n = upper.cols(),
                                   .k = upper.rows(),
                                   .all_rows = above.rows(),
                                   .a = above.data(),
                                   .a_row = above.cols(),
                                   .a_column = 1,
                                   .b = upper.data(),
                                   .b_row = upper.cols(),
                                   .b_column = 1,
                                   .c = delta.data(),
                                   .c_row = delta.cols(),
                                   .alpha = 1,
                                   .bias = nullptr,
                                   .scratch = nullptr},
           sample_.work.memory().scratch);
  if (settings_.units == CriticSettings::Units::softplus) {
    delta.array() /= 1 + (-sample_.layers[layer].logit.array()).exp();
    return;
  }
  for (Index k = 0; k < delta.rows(); ++k) {
    auto d = delta.row(k).array();
    const auto y = normalized.row(k).array();
    d *= (y > 0).select(1.0f, Eigen::Array<float, 1, Eigen::Dynamic>::Constant(d.size(), leak));
    const float mean = d.mean(), along = (d * y).mean();
    d = (d - mean - y * along) * inverse_std[k];
  }
}

void Critic::remember(const std::vector<char>& marked) {
  activities_.back().delta.setOnes();
  for (std::size_t l = net_.layers().size() - 1; l-- > 0;) pass_down(l);
  for (Index k = 0; k < norm_.size(); ++k) {
    if (!marked[static_cast<std::size_t>(k)]) continue;
    norm_[k] = 0;
    for (std::size_t l = 0; l < net_.layers().size(); ++l)
      norm_[k] += traces_.add(k, l, decay_, activities_[l].delta.row(k).data(), sample_.below(l).row(k).data());
  }
}

void Critic::learn(const Vector<double>& delta, Index environments) {
  if (settings_.learning_rate.empty()) return bounded_step(delta, environments);
  coefficient_ = delta / static_cast<double>(environments);
  traces_.sum(coefficient_, gradient_);
  const std::string refused = apply_gradient(adam_, net_, gradient_, Watch::gradient, nullptr);
  if (!refused.empty()) throw DivergenceError(text("learning diverged: in the critic, ", refused));
}

void Critic::bounded_step(const Vector<double>& delta, Index environments) {
  for (Index k = 0; k < delta.size(); ++k) {
    if (delta[k] == 0) continue;
    const double bound = settings_.overshoot * std::max(std::abs(delta[k]), 1.0) * norm_[k];
    const double step = std::min(1.0, 1 / bound) * delta[k] / static_cast<double>(environments);
    traces_.add_to(net_, k, static_cast<float>(step));
  }
}

}  // namespace uwm
