#include "rules/wide.hpp"

#include <span>
#include <vector>

#include "network/bernoulli.hpp"

namespace uwm {

namespace {

/// What a unit hands down. B is kept as B / lambda: the same quantity as A, seen from the flipped side.
struct Unit {
  Wide reward;           // T
  Wide advantage;        // A
  Wide other;            // B / lambda
  double log_ratio = 0;  // log lambda
};

/// 1 - exp(x), precise near x = 0.
Wide one_minus_exp(double x) { return x < 1 ? Wide(-std::expm1(x)) : Wide(1) - Wide::exp(x); }

/// log of the logistic function
double log_sigma(double x) { return -softplus(-x); }

/// u (pi A - (1 - pi) B / lambda) with u = sigma(logit) and pi = u / (u + (1-u) lambda) the posterior of the side that
/// u belongs to: T_i with logit = s_i z_i, T_j' with logit = s_j z_j of the flipped side.
Wide posterior_reward(double logit, const Unit& unit) {
  const double posterior = logit - unit.log_ratio, log_u = log_sigma(logit);
  return Wide::exp(log_u + log_sigma(posterior)) * unit.advantage -
         Wide::exp(log_u + log_sigma(-posterior)) * unit.other;
}

/// The table's T_i; `logit` is s_i z_i, which is the log odds of the action taken.
Wide unit_reward(FlipRule rule, double logit, bool fired, double reward, const Unit& unit) {
  switch (rule) {
    case FlipRule::posterior:
    case FlipRule::blended:
      return posterior_reward(logit, unit);
    case FlipRule::one_sided:
      return fired ? unit.advantage : Wide();
    case FlipRule::posterior_reinforce:
      return Wide(reward) * Wide::exp(log_sigma(logit - unit.log_ratio)) * one_minus_exp(unit.log_ratio);
    case FlipRule::two_sided:
    case FlipRule::difference:
      break;
  }
  return Wide::exp(log_sigma(logit)) * unit.advantage;
}

/// A and B / lambda below an output, all of whose units are paid the same: the sum over them collapses.
void pay_jointly(double reward, Unit& below) {
  below.advantage = Wide(reward) * one_minus_exp(below.log_ratio);
  below.other = Wide(reward) * one_minus_exp(-below.log_ratio);
}

/// What unit i of the layer below independent units learns from them. From first to last, with before = prod_{k<j}
/// kappa_ki: A_i as the sum of its definition, which does not cancel where the kernels' recursion would.
template <class T>
Unit descend(FlipRule rule, const LayerSample<T>& upper, Index s, const auto& weights, double move, double reward,
             bool output, const std::vector<Unit>& units) {
  Unit below;
  double none = 1, one = 0, share = 0;  // probabilities of none, one, and more of independent events d_j
  for (Index j = 0; j < upper.logit.cols(); ++j) {
    const Unit& unit = units[static_cast<std::size_t>(j)];
    const double s_j = action_sign<double>(upper.eligibility(s, j));
    const double actual = s_j * upper.logit(s, j), flipped = actual - s_j * move * weights[j];
    const double log_kappa = log_sigma(flipped) - log_sigma(actual);
    const double log_before = rule == FlipRule::difference ? 0.0 : below.log_ratio;
    below.advantage = below.advantage + Wide::exp(log_before) * one_minus_exp(log_kappa) * unit.reward;
    if ((rule == FlipRule::posterior || rule == FlipRule::blended) && !output)
      below.other = below.other + Wide::exp(-log_before) * one_minus_exp(-log_kappa) * posterior_reward(flipped, unit);
    below.log_ratio += log_kappa;
    const double change = std::exp(log_sigma(actual)) - std::exp(log_sigma(flipped));
    const double d = change * change;
    share += d * one;
    one += d * (none - one);
    none -= d * none;
  }
  if (output && rule != FlipRule::difference) pay_jointly(reward, below);
  if (rule == FlipRule::blended) {
    Unit joint;
    joint.log_ratio = below.log_ratio;
    pay_jointly(reward, joint);
    const Wide local(none + one), global(share);
    below.advantage = local * below.advantage + global * joint.advantage;
    below.other = local * below.other + global * joint.other;
  }
  return below;
}

}  // namespace

template <class T>
void wide_unit_rewards(FlipRule rule, const Network<T>& net, const Sample<T>& sample, Index s, double reward,
                       UnitRewards<T>& out) {
  const std::size_t last = sample.layers.size() - 1;
  std::vector<Unit> units(static_cast<std::size_t>(net.n_outputs()));
  for (Unit& unit : units) unit.reward = Wide(reward);
  for (std::size_t l = last; l-- > 0;) {
    const auto& layer = sample.layers[l];
    const auto& upper = sample.layers[l + 1];
    const auto& weight = net.layers()[l + 1].weight;
    const double step = net.flip_step(l + 1);
    const bool output = l + 1 == last;
    const bool joint = output && !net.output().independent_units();
    std::vector<double> z(static_cast<std::size_t>(upper.logit.cols()));
    std::vector<Unit> below(static_cast<std::size_t>(layer.logit.cols()));
    double actual = 0;
    const std::span<const T> action(upper.activation.row(s).data(), z.size());
    if (joint) {
      for (std::size_t k = 0; k < z.size(); ++k) z[k] = upper.logit(s, static_cast<Index>(k));
      actual = net.output().log_likelihood(z, action);
    }
    for (Index i = 0; i < layer.logit.cols(); ++i) {
      const double c = action_sign<double>(layer.eligibility(s, i)), move = c * step;
      Unit& unit = below[static_cast<std::size_t>(i)];
      if (joint) {
        for (std::size_t k = 0; k < z.size(); ++k) {
          const auto row = static_cast<Index>(k);
          z[k] = upper.logit(s, row) - move * weight(row, i);
        }
        unit.log_ratio = net.output().log_likelihood(z, action) - actual;
        pay_jointly(reward, unit);
      } else {
        unit = descend(rule, upper, s, weight.col(i), move, reward, output, units);
      }
      unit.reward = unit_reward(rule, c * layer.logit(s, i), c > 0, reward, unit);
      out.layers[l](s, i) = unit.reward.template to<T>();
    }
    units = std::move(below);
  }
}

template void wide_unit_rewards(FlipRule, const Network<float>&, const Sample<float>&, Index, double,
                                UnitRewards<float>&);
template void wide_unit_rewards(FlipRule, const Network<double>&, const Sample<double>&, Index, double,
                                UnitRewards<double>&);

}  // namespace uwm
