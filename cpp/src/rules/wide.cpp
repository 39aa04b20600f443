#include "rules/wide.hpp"

#include <optional>
#include <span>
#include <vector>

#include "network/bernoulli.hpp"
#include "network/move.hpp"

namespace uwm {

namespace {

/// What a unit hands down.
struct Unit {
  Wide reward;     // T
  Wide advantage;  // A
  Wide other;      // B
  Wide ratio;      // lambda
};

/// 1 - exp(x), precise near x = 0.
Wide one_minus_exp(double x) { return x < 1 ? Wide(-std::expm1(x)) : Wide(1) - Wide::exp(x); }

/// q (q A - (1 - q) B) / (q + (1 - q) lambda) of an action with the odds x = (1 - q) / q against it: T_i, or with the
/// odds that a flip below leaves T_i'.
Wide posterior_reward(const Wide& x, const Unit& unit) {
  return (unit.advantage - x * unit.other) / ((Wide(1) + x) * (Wide(1) + unit.ratio * x));
}

/// The table's T_i, from the odds a against the action taken.
Wide unit_reward(FlipRule rule, const Wide& a, bool fired, const Unit& unit) {
  switch (rule) {
    case FlipRule::posterior:
    case FlipRule::blended:
      return posterior_reward(a, unit);
    case FlipRule::one_sided:
      return fired ? unit.advantage : Wide();
    case FlipRule::posterior_reinforce:  // A = (1 - lambda) R
      return unit.advantage / (Wide(1) + unit.ratio * a);
    case FlipRule::two_sided:
    case FlipRule::difference:
      break;
  }
  return unit.advantage / (Wide(1) + a);
}

/// What unit i learns from one joint action above: A, B and lambda from log lambda.
Unit below_joint(double log_ratio, double reward) {
  Unit below;
  below.ratio = Wide::exp(log_ratio);
  below.advantage = Wide(reward) * one_minus_exp(log_ratio);
  below.other = -below.advantage;
  return below;
}

/// What unit i learns from the independent units above. `move` times the weight is how far c_i = +1 lifts z_j. From
/// first to last: A_i as the sum of its definition, which does not cancel where the kernels' recursion would.
template <class T>
Unit below_units(FlipRule rule, const LayerSample<T>& upper, Index s, const auto& weights, double move, double reward,
                 bool output, const std::vector<Unit>& units) {
  Unit below;
  below.ratio = Wide(1);
  Wide gain, size;           // 1 - lambda as a sum, and that of the magnitudes of its terms
  Wide none(1), one, share;  // probabilities of none, one, and more of independent events d_j
  for (Index j = 0; j < upper.logit.cols(); ++j) {
    const Unit& unit = units[static_cast<std::size_t>(j)];
    const double s_j = action_sign<double>(upper.eligibility(s, j));
    const double y = s_j * upper.logit(s, j), d = s_j * move * weights[j];
    const Wide a = Wide::exp(-y), x = Wide::exp(d - y);
    const Wide one_minus_kappa = (std::abs(d) < 1 ? a * Wide(std::expm1(d)) : x - a) / (Wide(1) + x);
    const Wide kappa = (Wide(1) + a) / (Wide(1) + x);
    const Wide before = rule == FlipRule::difference ? Wide(1) : below.ratio;
    below.advantage = below.advantage + before * one_minus_kappa * unit.reward;
    if (rule == FlipRule::posterior || rule == FlipRule::blended)
      below.other = kappa * below.other - one_minus_kappa * posterior_reward(x, unit);
    const Wide term = below.ratio * one_minus_kappa;
    gain = gain + term;
    size = size + term.magnitude();
    below.ratio = below.ratio * kappa;
    const Wide q = Wide(1) / (Wide(1) + a), u = Wide(1) / (Wide(1) + x), change = q * one_minus_kappa;
    // 1 - |change| is a sum of two probabilities: it keeps its digits where the event is nearly certain
    const bool falls = d > 0;  // from q to u
    const Wide rest = falls ? a * q + u : x * u + q;
    const Wide event = change * change, no_event = rest * (Wide(2) - rest);
    share = share + event * one;
    one = one * no_event + event * none;
    none = none * no_event;
  }
  if (size.to<double>() >= 1) gain = Wide(1) - below.ratio;  // large terms may have cancelled
  if (rule == FlipRule::posterior_reinforce || (output && rule != FlipRule::difference)) {
    below.advantage = Wide(reward) * gain;
    below.other = -below.advantage;
  } else if (rule == FlipRule::blended) {
    const Wide local = none + one, global = share * Wide(reward) * gain;
    below.advantage = local * below.advantage + global;
    below.other = local * below.other - global;
  }
  return below;
}

/// The output's logits with and without a flip, for its log_ratio.
template <class T>
class JointAction {
 public:
  JointAction(const Network<T>& net, const LayerSample<T>& output, Index s)
      : net_(net), n_(static_cast<std::size_t>(output.logit.cols())), action_(output.activation.row(s).data(), n_) {
    logit_.resize(n_);
    for (std::size_t k = 0; k < n_; ++k) logit_[k] = output.logit(s, static_cast<Index>(k));
    moved_ = change_ = logit_;
    log_likelihood_ = net.output().log_likelihood(logit_, action_);
  }

  /// log lambda of a unit with these weights.
  double log_ratio(const auto& weights, double move) {
    for (std::size_t k = 0; k < n_; ++k) {
      change_[k] = -move * weights[static_cast<Index>(k)];
      moved_[k] = logit_[k] + change_[k];
    }
    return checked_log_ratio(net_.output(), OutputMove<T>{logit_, change_, moved_, action_, log_likelihood_});
  }

 private:
  const Network<T>& net_;
  std::size_t n_;
  std::span<const T> action_;
  std::vector<double> logit_, change_, moved_;
  double log_likelihood_;
};

/// (A, B, lambda) = (R, -R, 0) makes T and T' the reward itself.
Unit output_unit(double reward) {
  Unit unit;
  unit.reward = unit.advantage = Wide(reward);
  unit.other = -unit.reward;
  return unit;
}

}  // namespace

template <class T>
void wide_unit_rewards(FlipRule rule, const Network<T>& net, const Sample<T>& sample, Index s, double reward,
                       UnitRewards<T>& out) {
  const std::size_t last = sample.layers.size() - 1;
  std::vector<Unit> units(static_cast<std::size_t>(net.n_outputs()), output_unit(reward));
  for (std::size_t l = last; l-- > 0;) {
    const auto& layer = sample.layers[l];
    const auto& upper = sample.layers[l + 1];
    const auto& weight = net.layers()[l + 1].weight;
    const double step = flip_distance(net, l + 1);
    std::optional<JointAction<T>> joint;
    if (l + 1 == last && !net.output().independent_units()) joint.emplace(net, upper, s);
    std::vector<Unit> below(static_cast<std::size_t>(layer.logit.cols()));
    for (Index i = 0; i < layer.logit.cols(); ++i) {
      const double c = action_sign<double>(layer.eligibility(s, i)), move = c * step;
      Unit& unit = below[static_cast<std::size_t>(i)];
      unit = joint ? below_joint(joint->log_ratio(weight.col(i), move), reward)
                   : below_units(rule, upper, s, weight.col(i), move, reward, l + 1 == last, units);
      const Wide learned = unit_reward(rule, Wide::exp(-c * layer.logit(s, i)), c > 0, unit);
      out.layers[l](s, i) = learned.template to<T>();
      unit.reward = rule == FlipRule::posterior_reinforce ? Wide(reward) : learned;
    }
    units = std::move(below);
  }
}

template void wide_unit_rewards(FlipRule, const Network<float>&, const Sample<float>&, Index, double,
                                UnitRewards<float>&);
template void wide_unit_rewards(FlipRule, const Network<double>&, const Sample<double>&, Index, double,
                                UnitRewards<double>&);

}  // namespace uwm
