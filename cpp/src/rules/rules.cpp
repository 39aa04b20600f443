#include "uwm/rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "network/bernoulli.hpp"
#include "network/forward.hpp"
#include "network/move.hpp"
#include "rules/wide.hpp"
#include "work/message.hpp"
#include "work/multiply.hpp"
#include "work/nearest.hpp"
#include "work/scaled.hpp"

namespace uwm {

namespace {

/// By rows: Eigen would make a temporary of a vector that it repeats.
template <class T>
void pay_everywhere(const Vector<double>& reward, Matrix<T>& t) {
  for (Index s = 0; s < t.rows(); ++s) t.row(s).setConstant(static_cast<T>(reward[s]));
}

/// The output layer is paid the reward itself, in every rule.
template <class T>
void reward_output(const Sample<T>& sample, const Vector<double>& reward, UnitRewards<T>& out) {
  out.resize_like(sample);
  pay_everywhere(reward, out.layers.back());
}

// Rules that hand sum_j v_ji delta_j down, v a function of the weight

/// Row s of the sums below where they have left the range of T.
template <class T, class F>
void sum_deltas_scaled(const Sample<T>& sample, std::size_t l, Index s, const Scaled& v, T scale, UnitRewards<T>& out,
                       F finish) {
  const auto& upper = out.layers[l + 1];
  const Scaled t(upper.row(s).data(), 1, upper.cols());
  const Scaled e(sample.layers[l + 1].eligibility.row(s).data(), 1, upper.cols());
  auto sums = out.layers[l].row(s);
  sums = (t.m.cwiseProduct(e.m) * v.m).template cast<T>();
  finish(sums, s);
  const int exponent = t.exponent + e.exponent + v.exponent;
  for (Index i = 0; i < sums.size(); ++i) sums[i] = nearest_scaled<T>(double(sums[i]) * double(scale), exponent);
}

/// T (batch, n_l) = scale * sum_j v_ji delta_j with delta_j = T_j (h_j - p_j) of layer l+1, v (n_{l+1}, n_l); then
/// finish(row of T, s) for every sample, which multiplies by factors of at most 1.
template <class T, class F>
void sum_deltas(const Sample<T>& sample, std::size_t l, const T* v, T scale, UnitRewards<T>& out, F finish) {
  const auto& upper = out.layers[l + 1];
  const auto& e = sample.layers[l + 1].eligibility;
  const Index batch = sample.batch(), n_upper = upper.cols();
  auto& sums = out.layers[l];
  grow(out.delta, upper.size());
  split(sample.work.threads, batch, grain_of(n_upper), [&](Index begin, Index end, int) {
    Eigen::Map<Matrix<T>>(out.delta.data() + begin * n_upper, end - begin, n_upper) =
        upper.middleRows(begin, end - begin).cwiseProduct(e.middleRows(begin, end - begin));
  });
  multiply(sample.work.threads,
           kernels::Product<T>{.m = batch,
                               .n = sums.cols(),
                               .k = n_upper,
                               .all_rows = batch,
                               .a = out.delta.data(),
                               .a_row = n_upper,
                               .a_column = 1,
                               .b = v,
                               .b_row = sums.cols(),
                               .b_column = 1,
                               .c = sums.data(),
                               .c_row = sums.cols(),
                               .alpha = scale,
                               .bias = nullptr,
                               .scratch = nullptr},
           out.scratch);
  split(sample.work.threads, batch, grain_of(sums.cols()), [&](Index begin, Index end, int) {
    for (Index s = begin; s < end; ++s) finish(sums.row(s), s);
  });
  const auto& kernel = kernels::active<T>();
  if (std::isfinite(kernel.max_abs(sums.size(), sums.data()))) return;
  const Scaled scaled(v, n_upper, sums.cols());
  for (Index s = 0; s < batch; ++s)
    if (!std::isfinite(kernel.max_abs(sums.cols(), sums.row(s).data())))
      sum_deltas_scaled(sample, l, s, scaled, scale, out, finish);
}

// Rules that weigh the flips of a unit

using kernels::Flip;

/// One pass from layer l+1 to layer l, its samples shared among the threads.
template <class T>
void flip(Flip kind, const Network<T>& net, const Sample<T>& sample, std::size_t l, UnitRewards<T>& out) {
  const auto& upper = sample.layers[l + 1];
  const auto& kernel = kernels::active<T>();
  const Index n_upper = upper.logit.cols(), n_lower = sample.layers[l].logit.cols();
  const Index scratch = kernel.flip_scratch(n_upper);
  grow(out.scratch, scratch * (sample.work.threads == nullptr ? 1 : sample.work.threads->size()));
  auto& above = out.passes[l + 1];
  auto& below = out.passes[l];
  below.advantage.resize(sample.batch(), sample.layers[l].logit.cols());
  const kernels::FlipPass<T> pass = {.batch = sample.batch(),
                                     .n_upper = n_upper,
                                     .n_lower = n_lower,
                                     .weight = net.layers()[l + 1].weight.data(),
                                     .step = net.flip_step(l + 1),
                                     .clip = below.clip,
                                     .odds = upper.odds.data(),
                                     .eligibility = sample.layers[l].eligibility.data(),
                                     .unit_reward = out.layers[l + 1].data(),
                                     .advantage = above.advantage.data(),
                                     .other = above.other.data(),
                                     .ratio = above.ratio.data(),
                                     .likelihood = upper.likelihood.data(),
                                     .reward = out.reward.data(),
                                     .advantage_out = below.advantage.data(),
                                     .other_out = below.other.data(),
                                     .ratio_out = below.ratio.data(),
                                     .scratch = out.scratch.data()};
  const bool both_sides = kind == Flip::posterior || kind == Flip::blended;
  const Index cost = both_sides ? posterior_flip_cost : flip_cost;
  split(sample.work.threads, sample.batch(), grain_of(cost * n_upper * n_lower),
        [&](Index begin, Index end, int worker) {
          auto piece = pass;
          piece.batch = end - begin;
          piece.odds += begin * n_upper;
          piece.eligibility += begin * n_lower;
          piece.unit_reward += begin * n_upper;
          piece.advantage_out += begin * n_lower;
          if (both_sides) {
            piece.advantage += begin * n_upper;
            piece.other += begin * n_upper;
            piece.ratio += begin * n_upper;
            piece.other_out += begin * n_lower;
          }
          if (kind == Flip::blended) {
            piece.likelihood += begin * n_upper;
            piece.reward += begin;
          }
          if (both_sides || kind == Flip::ratio) piece.ratio_out += begin * n_lower;
          piece.scratch += worker * scratch;
          kernel.flip(kind, piece);
        });
}

/// Whether layer l+1 is one joint action, whose likelihood ratio comes from the output kind.
template <class T>
bool joint_above(const Network<T>& net, std::size_t l) {
  return l + 2 == net.layers().size() && !net.output().independent_units();
}

/// lambda_i and (1 - lambda_i) into the layer's pass.
template <class T>
void joint_ratio(const Network<T>& net, const Sample<T>& sample, std::size_t l, UnitRewards<T>& out) {
  auto& pass = out.passes[l];
  pass.ratio.resize(sample.batch(), sample.layers[l].logit.cols());
  pass.advantage.resize(sample.batch(), sample.layers[l].logit.cols());
  net.output().flip_ratio({.weight = net.layers()[l + 1].weight,
                           .step = flip_distance(net, l + 1),
                           .output = sample.layers[l + 1],
                           .below_eligibility = sample.layers[l].eligibility,
                           .scratch = out.scratch,
                           .logit = out.logit},
                          pass.ratio, pass.advantage);
}

/// A_i = (1 - lambda_i) R
template <class T>
void joint_advantage(const Network<T>& net, const Sample<T>& sample, std::size_t l, const Vector<double>& reward,
                     UnitRewards<T>& out) {
  joint_ratio(net, sample, l, out);
  for (Index s = 0; s < sample.batch(); ++s) out.passes[l].advantage.row(s) *= static_cast<T>(reward[s]);
}

/// Marks the samples that the kernels cannot do exactly, as far as is known beforehand. False if that is every one.
template <class T>
bool mark_outside(const Network<T>& net, const Sample<T>& sample, UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  using Range = kernels::Range<T>;
  out.outside.assign(static_cast<std::size_t>(sample.batch()), 0);
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    const auto& layer = sample.layers[l];
    if (l + 1 == sample.layers.size() && !net.output().independent_units()) continue;
    if (l > 0) {
      const auto& weight = net.layers()[l].weight;
      const T largest = net.flip_step(l) * kernel.max_abs(weight.size(), weight.data());
      if (!(largest < Range::weight) || (largest < least_weight<T> && largest > 0)) return false;
      out.passes[l - 1].clip = largest >= Range::unclipped_weight;
    }
    for (Index s = 0; s < sample.batch(); ++s)
      if (!(kernel.max_abs(layer.odds.cols(), layer.odds.row(s).data()) < Range::odds))
        out.outside[static_cast<std::size_t>(s)] = 1;
  }
  return true;
}

template <class T>
void redo_outside(FlipRule rule, bool all, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                  UnitRewards<T>& out) {
  for (Index s = 0; s < sample.batch(); ++s)
    if (all || out.outside[static_cast<std::size_t>(s)]) wide_unit_rewards(rule, net, sample, s, reward[s], out);
}

/// combine(row of q, row of e, s) writes row s of T and says whether its numbers are in range.
template <class T, class F>
void combine_rows(const Sample<T>& sample, std::size_t l, UnitRewards<T>& out, F combine) {
  const auto& layer = sample.layers[l];
  split(sample.work.threads, sample.batch(), grain_of(combine_cost * layer.logit.cols()),
        [&](Index begin, Index end, int) {
          for (Index s = begin; s < end; ++s)
            if (!combine(layer.likelihood.row(s), layer.eligibility.row(s), s))
              out.outside[static_cast<std::size_t>(s)] = 1;
        });
}

template <class T>
void flip_rewards(FlipRule rule, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                  UnitRewards<T>& out);

/// A, B and lambda from the output down; see flip.inl.hpp.
template <class T>
void posterior_rewards(Flip kind, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                       UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  // at a Bernoulli output (A, B, lambda) = (R, -R, 0)
  grow(out.reward, reward.size());
  std::transform(reward.begin(), reward.end(), out.reward.begin(), [](double r) { return static_cast<T>(r); });
  auto& top = out.passes.back();
  top.advantage = out.layers.back();
  top.other = -out.layers.back();
  top.ratio.setZero(out.layers.back().rows(), out.layers.back().cols());
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    const Index n = sample.layers[l].logit.cols();
    auto& pass = out.passes[l];
    pass.other.resize(sample.batch(), n);
    pass.ratio.resize(sample.batch(), n);
    if (joint_above(net, l)) {
      joint_advantage(net, sample, l, reward, out);
      pass.other = -pass.advantage;
    } else {
      // below the output A_i is (1 - lambda_i) R already
      flip(l + 2 == sample.layers.size() ? Flip::posterior : kind, net, sample, l, out);
    }
    combine_rows(sample, l, out, [&](const auto& q, const auto& e, Index s) {
      return kernel.combine_posterior(n, q.data(), e.data(), pass.advantage.row(s).data(), pass.other.row(s).data(),
                                      pass.ratio.row(s).data(), out.layers[l].row(s).data());
    });
  }
}

/// A (or the flip difference) from the output down, times q_i, or one where the unit fired.
template <class T>
void advantage_rewards(FlipRule rule, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                       UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    auto& pass = out.passes[l];
    if (joint_above(net, l)) {
      joint_advantage(net, sample, l, reward, out);
    } else {
      flip(rule == FlipRule::difference ? Flip::difference : Flip::advantage, net, sample, l, out);
    }
    combine_rows(sample, l, out, [&](const auto& q, const auto& e, Index s) {
      const auto a = pass.advantage.row(s);
      if (rule == FlipRule::one_sided)
        out.layers[l].row(s) = e.unaryExpr([](T x) { return std::signbit(x) ? T(0) : T(1); }).cwiseProduct(a);
      else
        out.layers[l].row(s) = q.cwiseProduct(a);
      return kernel.max_abs(a.size(), a.data()) <= kernels::Range<T>::odds * static_cast<T>(std::abs(reward[s]));
    });
  }
}

template <class T>
void posterior_reinforce_rewards(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                                 UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    auto& pass = out.passes[l];
    pass.ratio.resize(sample.batch(), sample.layers[l].logit.cols());
    if (joint_above(net, l))
      joint_ratio(net, sample, l, out);
    else
      flip(Flip::ratio, net, sample, l, out);
    combine_rows(sample, l, out, [&](const auto& q, const auto& e, Index s) {
      const auto ratio = pass.ratio.row(s).array();
      out.layers[l].row(s) =
          T(reward[s]) * q.array() * pass.advantage.row(s).array() / (q.array() + e.array().abs() * ratio);
      return kernel.max_abs(ratio.size(), pass.ratio.row(s).data()) < kernels::Range<T>::odds;
    });
  }
}

template <class T>
bool built_in(const Output<T>& output) {
  return dynamic_cast<const BernoulliOutput<T>*>(&output) || dynamic_cast<const SoftmaxOutput<T>*>(&output) ||
         dynamic_cast<const GaussianOutput<T>*>(&output);
}

/// The same sample in double precision. What was drawn stands: the logits and actions are those of the sample, and only
/// what is made from them is made anew.
Sample<double> in_double(const Network<double>& twin, const Sample<float>& sample) {
  Sample<double> out;
  resize_like(twin, sample.batch(), out);
  out.input = sample.input.cast<double>();
  for (std::size_t l = 0; l < out.layers.size(); ++l) {
    auto& layer = out.layers[l];
    layer.logit = sample.layers[l].logit.cast<double>();
    layer.activation = sample.layers[l].activation.cast<double>();
    if (l + 1 == out.layers.size())
      twin.output().evaluate(layer);
    else
      evaluate_units(twin.units(), layer);
  }
  return out;
}

/// Weights of 55 and more, out of the range of the single-precision kernels, are within that of the others. (An output
/// kind of the user's has no twin of the other precision.)
void flip_rewards_in_double(FlipRule rule, const Network<float>& net, const Sample<float>& sample,
                            const Vector<double>& reward, UnitRewards<float>& out) {
  const auto twin = net.cast<double>();
  UnitRewards<double> rewards;
  flip_rewards(rule, twin, in_double(twin, sample), reward, rewards);
  for (std::size_t l = 0; l < out.layers.size(); ++l) out.layers[l] = rewards.layers[l].unaryExpr(&nearest<float>);
}

template <class T>
void flip_rewards(FlipRule rule, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                  UnitRewards<T>& out) {
  reward_output(sample, reward, out);
  const bool in_range = mark_outside(net, sample, out);
  if (in_range) {
    if (rule == FlipRule::posterior || rule == FlipRule::blended)
      posterior_rewards(rule == FlipRule::blended ? Flip::blended : Flip::posterior, net, sample, reward, out);
    else if (rule == FlipRule::posterior_reinforce)
      posterior_reinforce_rewards(net, sample, reward, out);
    else
      advantage_rewards(rule, net, sample, reward, out);
  } else if constexpr (sizeof(T) == sizeof(float)) {
    if (built_in(net.output())) return flip_rewards_in_double(rule, net, sample, reward, out);
  }
  redo_outside(rule, !in_range, net, sample, reward, out);
}

}  // namespace

template <class T>
void Reinforce::compute(const Network<T>&, const Sample<T>& sample, const Vector<double>& reward,
                        UnitRewards<T>& out) const {
  out.resize_like(sample);
  for (auto& t : out.layers) pay_everywhere(reward, t);
}

template <class T>
void StraightThrough::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                              UnitRewards<T>& out) const {
  reward_output(sample, reward, out);
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    // the mean activation is p, or 2p - 1 for bipolar units: flip_step brings the factor
    const auto& layer = sample.layers[l];
    sum_deltas(sample, l, net.layers()[l + 1].weight.data(), net.flip_step(l + 1), out, [&](auto t, Index s) {
      const T* q = layer.likelihood.row(s).data();
      const T* e = layer.eligibility.row(s).data();
      T* const out_s = t.data();
      for (Index i = 0, n = t.size(); i < n; ++i) out_s[i] *= std::copysign(q[i], e[i]);  // c_i q_i
    });
  }
}

WeightMax::WeightMax(double norm) : norm_(norm) {
  require(norm >= 1 && std::isfinite(norm), "norm must be at least 1 and finite, got ", norm);
}

template <class T>
void WeightMax::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                        UnitRewards<T>& out) const {
  reward_output(sample, reward, out);
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    const auto& upper = net.layers()[l + 1];
    const auto finish = [&](auto t, Index s) { t.array() *= sample.layers[l].activation.row(s).array(); };
    if (norm_ == 2) {
      sum_deltas(sample, l, upper.weight.data(), 1 / upper.temperature, out, finish);
    } else {
      const T exponent = static_cast<T>(norm_ - 1), temperature = upper.temperature;
      grow(out.power, upper.weight.size());
      std::transform(upper.weight.data(), upper.weight.data() + upper.weight.size(), out.power.begin(), [=](T w) {
        const T power = std::min(std::pow(std::abs(w / temperature), exponent), std::numeric_limits<T>::max());
        return w > 0 ? power : w < 0 ? -power : T(0);
      });
      sum_deltas(sample, l, out.power.data(), T(1), out, finish);
    }
  }
}

std::string UnbiasedWeightMax::name() const {
  switch (form_) {
    case Form::blended:
      return "unbiased_weight_max_blended";
    case Form::two_sided:
      return "unbiased_weight_max_two_sided";
    case Form::one_sided:
      return "unbiased_weight_max_one_sided";
    case Form::posterior:
      break;
  }
  return "unbiased_weight_max";
}

template <class T>
void UnbiasedWeightMax::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                                UnitRewards<T>& out) const {
  const auto rule = form_ == Form::posterior   ? FlipRule::posterior
                    : form_ == Form::blended   ? FlipRule::blended
                    : form_ == Form::two_sided ? FlipRule::two_sided
                                               : FlipRule::one_sided;
  flip_rewards(rule, net, sample, reward, out);
}

template <class T>
void FlipDifference::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                             UnitRewards<T>& out) const {
  flip_rewards(FlipRule::difference, net, sample, reward, out);
}

template <class T>
void PosteriorReinforce::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                                 UnitRewards<T>& out) const {
  flip_rewards(FlipRule::posterior_reinforce, net, sample, reward, out);
}

const std::vector<std::string>& rule_names() {
  static const std::vector<std::string> names = {"reinforce",
                                                 "ste",
                                                 "weight_max",
                                                 "unbiased_weight_max",
                                                 "unbiased_weight_max_blended",
                                                 "unbiased_weight_max_two_sided",
                                                 "unbiased_weight_max_one_sided",
                                                 "flip_difference",
                                                 "posterior_reinforce"};
  return names;
}

std::unique_ptr<Rule> make_rule(const std::string& name) {
  using Form = UnbiasedWeightMax::Form;
  if (name == "reinforce") return std::make_unique<Reinforce>();
  if (name == "ste") return std::make_unique<StraightThrough>();
  if (name == "weight_max") return std::make_unique<WeightMax>();
  if (name == "unbiased_weight_max") return std::make_unique<UnbiasedWeightMax>();
  if (name == "unbiased_weight_max_blended") return std::make_unique<UnbiasedWeightMax>(Form::blended);
  if (name == "unbiased_weight_max_two_sided") return std::make_unique<UnbiasedWeightMax>(Form::two_sided);
  if (name == "unbiased_weight_max_one_sided") return std::make_unique<UnbiasedWeightMax>(Form::one_sided);
  if (name == "flip_difference") return std::make_unique<FlipDifference>();
  if (name == "posterior_reinforce") return std::make_unique<PosteriorReinforce>();
  std::string names;
  for (const auto& n : rule_names()) names += (names.empty() ? "" : ", ") + n;
  throw ValueError(text("rule must be one of ", names, "; got '", name, "'"));
}

#define UWM_INSTANTIATE(Rule)                                                                                          \
  template void Rule::compute(const Network<float>&, const Sample<float>&, const Vector<double>&, UnitRewards<float>&) \
      const;                                                                                                           \
  template void Rule::compute(const Network<double>&, const Sample<double>&, const Vector<double>&,                    \
                              UnitRewards<double>&) const;
UWM_INSTANTIATE(Reinforce)
UWM_INSTANTIATE(StraightThrough)
UWM_INSTANTIATE(WeightMax)
UWM_INSTANTIATE(UnbiasedWeightMax)
UWM_INSTANTIATE(FlipDifference)
UWM_INSTANTIATE(PosteriorReinforce)
#undef UWM_INSTANTIATE

}  // namespace uwm
