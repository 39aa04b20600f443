// The unit rewards of single samples whose weights, odds or likelihood ratios leave the range of the kernels: the sums
// of docs/rules.md, term by term, in numbers whose exponents do not run out.

#include "rules/out_of_range.hpp"

#include <optional>
#include <span>
#include <vector>

#include "network/bernoulli.hpp"
#include "network/move.hpp"

namespace uwm {

namespace {

/// What a unit hands down.
struct HandedDown {
  Extended reward;             // T
  Extended advantage;          // A
  Extended flipped_advantage;  // B
  Extended ratio;              // lambda
};

/// 1 - exp(x), precise near x = 0.
Extended one_minus_exp(double x) { return x < 1 ? Extended(-std::expm1(x)) : Extended(1) - Extended::exp(x); }

/// q (q A - (1 - q) B) / (q + (1 - q) lambda) of an action with the odds x = (1 - q) / q against it: T_i, or with the
/// odds that a flip below leaves T_i'.
Extended posterior_reward(const Extended& x, const HandedDown& unit) {
  return (unit.advantage - x * unit.flipped_advantage) / ((Extended(1) + x) * (Extended(1) + unit.ratio * x));
}

/// The table's T_i, from the odds a against the action taken.
Extended unit_reward(FlipForm form, const Extended& a, bool fired, const HandedDown& unit) {
  switch (form) {
    case FlipForm::posterior:
    case FlipForm::blended:
      return posterior_reward(a, unit);
    case FlipForm::one_sided:
      return fired ? unit.advantage : Extended();
    case FlipForm::ratio:  // A = (1 - lambda) R
      return unit.advantage / (Extended(1) + unit.ratio * a);
    case FlipForm::two_sided:
    case FlipForm::difference:
      break;
  }
  return unit.advantage / (Extended(1) + a);
}

/// What unit i learns from one joint action above: A, B and lambda from log lambda.
HandedDown below_joint(double log_ratio, double reward) {
  HandedDown below;
  below.ratio = Extended::exp(log_ratio);
  below.advantage = Extended(reward) * one_minus_exp(log_ratio);
  below.flipped_advantage = -below.advantage;
  return below;
}

/// What unit i learns from the independent units above. `move` times the weight is how far c_i = +1 lifts z_j. From
/// first to last: A_i as the sum of its definition, which does not cancel where the kernels' recursion would.
template <class T>
HandedDown below_units(FlipForm form, const LayerSample<T>& upper, Index s, const auto& weights, double move,
                       double reward, bool output, const std::vector<HandedDown>& units) {
  HandedDown below;
  below.ratio = Extended(1);
  Extended gain, size;          // 1 - lambda as a sum, and that of the magnitudes of its terms
  Extended none(1), one, many;  // probabilities of none, one, and more of independent events d_j
  for (Index j = 0; j < upper.logit.cols(); ++j) {
    const HandedDown& unit = units[static_cast<std::size_t>(j)];
    const double s_j = action_sign<double>(upper.eligibility(s, j));
    const double y = s_j * upper.logit(s, j), d = s_j * move * weights[j];
    const Extended a = Extended::exp(-y), x = Extended::exp(d - y);
    const Extended one_minus_kappa = (std::abs(d) < 1 ? a * Extended(std::expm1(d)) : x - a) / (Extended(1) + x);
    const Extended kappa = (Extended(1) + a) / (Extended(1) + x);
    const Extended before = form == FlipForm::difference ? Extended(1) : below.ratio;
    below.advantage = below.advantage + before * one_minus_kappa * unit.reward;
    if (form == FlipForm::posterior || form == FlipForm::blended)
      below.flipped_advantage = kappa * below.flipped_advantage - one_minus_kappa * posterior_reward(x, unit);
    const Extended term = below.ratio * one_minus_kappa;
    gain = gain + term;
    size = size + term.magnitude();
    below.ratio = below.ratio * kappa;
    const Extended q = Extended(1) / (Extended(1) + a), u = Extended(1) / (Extended(1) + x),
                   change = q * one_minus_kappa;
    // 1 - |change| is a sum of two probabilities: it keeps its digits where the event is nearly certain
    const bool falls = d > 0;  // from q to u
    const Extended rest = falls ? a * q + u : x * u + q;
    const Extended event = change * change, no_event = rest * (Extended(2) - rest);
    many = many + event * one;
    one = one * no_event + event * none;
    none = none * no_event;
  }
  if (size.to<double>() >= 1) gain = Extended(1) - below.ratio;  // large terms may have cancelled
  if (form == FlipForm::ratio || (output && form != FlipForm::difference)) {
    below.advantage = Extended(reward) * gain;
    below.flipped_advantage = -below.advantage;
  } else if (form == FlipForm::blended) {
    const Extended few = none + one;  // 1 - many, with its digits: the share is many^2 (3 - 2 many)
    const Extended local = few * few * (Extended(1) + Extended(2) * many);
    const Extended global = many * many * (Extended(3) - Extended(2) * many) * Extended(reward) * gain;
    below.advantage = local * below.advantage + global;
    below.flipped_advantage = local * below.flipped_advantage - global;
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
HandedDown output_unit(double reward) {
  HandedDown unit;
  unit.reward = unit.advantage = Extended(reward);
  unit.flipped_advantage = -unit.reward;
  return unit;
}

}  // namespace

template <class T>
void out_of_range_rewards(FlipForm form, const Network<T>& net, const Sample<T>& sample, Index s, double reward,
                          UnitRewards<T>& out) {
  const std::size_t last = sample.layers.size() - 1;
  std::vector<HandedDown> units(static_cast<std::size_t>(net.n_outputs()), output_unit(reward));
  for (std::size_t l = last; l-- > 0;) {
    const auto& layer = sample.layers[l];
    const auto& upper = sample.layers[l + 1];
    const auto& weight = net.layers()[l + 1].weight;
    const double step = flip_distance(net, l + 1);
    std::optional<JointAction<T>> joint;
    if (l + 1 == last && !net.output().independent_units()) joint.emplace(net, upper, s);
    std::vector<HandedDown> below(static_cast<std::size_t>(layer.logit.cols()));
    for (Index i = 0; i < layer.logit.cols(); ++i) {
      const double c = action_sign<double>(layer.eligibility(s, i)), move = c * step;
      HandedDown& unit = below[static_cast<std::size_t>(i)];
      unit = joint ? below_joint(joint->log_ratio(weight.col(i), move), reward)
                   : below_units(form, upper, s, weight.col(i), move, reward, l + 1 == last, units);
      const Extended learned = unit_reward(form, Extended::exp(-c * layer.logit(s, i)), c > 0, unit);
      out.layers[l](s, i) = learned.template to<T>();
      unit.reward = form == FlipForm::ratio ? Extended(reward) : learned;
    }
    units = std::move(below);
  }
}

template void out_of_range_rewards(FlipForm, const Network<float>&, const Sample<float>&, Index, double,
                                   UnitRewards<float>&);
template void out_of_range_rewards(FlipForm, const Network<double>&, const Sample<double>&, Index, double,
                                   UnitRewards<double>&);

}  // namespace uwm
