#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "network/bernoulli.hpp"
#include "network/forward.hpp"
#include "network/move.hpp"
#include "rules/out_of_range.hpp"
#include "rules/pay.hpp"
#include "work/grain.hpp"
#include "work/memory.hpp"
#include "work/nearest.hpp"

// What the rules share that weigh the flip of a unit i, by the ratios
//
//     kappa_ji = Pr(h_j | i flipped) / Pr(h_j)      lambda_i = prod_j kappa_ji
//
// `weigh_flips` runs a rule's passes with the kernels, and again, sample by sample, in the arithmetic of
// out_of_range.hpp where weights, odds or ratios leave the range in which the kernels are exact.

namespace uwm {

/// One pass from layer l+1 to layer l, its samples shared among the threads.
template <class T>
void flip(FlipForm form, const Network<T>& net, const Sample<T>& sample, std::size_t l, UnitRewards<T>& out) {
  const auto& upper = sample.layers[l + 1];
  const auto& kernel = kernels::active<T>();
  const Index n_upper = upper.logit.cols(), n_lower = sample.layers[l].logit.cols();
  const Index scratch = kernel.flip_scratch(n_upper);
  auto& memory = out.work.memory();
  grow(memory.scratch, scratch * (sample.work.threads() == nullptr ? 1 : sample.work.threads()->size()));
  auto& above = memory.flips[l + 1];
  auto& below = memory.flips[l];
  (form == FlipForm::ratio ? below.gain : below.advantage).resize(sample.batch(), n_lower);
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
                                     .flipped_advantage = above.flipped_advantage.data(),
                                     .ratio = above.ratio.data(),
                                     .likelihood = upper.likelihood.data(),
                                     .reward = memory.reward.data(),
                                     .advantage_out = below.advantage.data(),
                                     .gain_out = below.gain.data(),
                                     .flipped_advantage_out = below.flipped_advantage.data(),
                                     .ratio_out = below.ratio.data(),
                                     .scratch = memory.scratch.data()};
  const bool both_sides = form == FlipForm::posterior || form == FlipForm::blended;
  const Index cost = both_sides ? posterior_flip_cost : flip_cost;
  split(sample.work.threads(), sample.batch(), grain_of(cost * n_upper * n_lower),
        [&](Index begin, Index end, int worker) {
          auto piece = pass;
          piece.batch = end - begin;
          piece.odds += begin * n_upper;
          piece.eligibility += begin * n_lower;
          piece.unit_reward += begin * n_upper;
          (form == FlipForm::ratio ? piece.gain_out : piece.advantage_out) += begin * n_lower;
          if (both_sides) {
            piece.advantage += begin * n_upper;
            piece.flipped_advantage += begin * n_upper;
            piece.ratio += begin * n_upper;
            piece.flipped_advantage_out += begin * n_lower;
          }
          if (form == FlipForm::blended) {
            piece.likelihood += begin * n_upper;
            piece.reward += begin;
          }
          if (both_sides || form == FlipForm::ratio) piece.ratio_out += begin * n_lower;
          piece.scratch += worker * scratch;
          kernel.flip(form, piece);
        });
}

/// Whether layer l+1 is one joint action, whose likelihood ratio comes from the output kind.
template <class T>
bool joint_above(const Network<T>& net, std::size_t l) {
  return l + 2 == net.layers().size() && !net.output().independent_units();
}

/// lambda_i and (1 - lambda_i) into the layer's memory.
template <class T>
void joint_ratio(const Network<T>& net, const Sample<T>& sample, std::size_t l, UnitRewards<T>& out) {
  auto& pass = out.work.memory().flips[l];
  pass.ratio.resize(sample.batch(), sample.layers[l].logit.cols());
  pass.gain.resize(sample.batch(), sample.layers[l].logit.cols());
  net.output().flip_ratio({.weight = net.layers()[l + 1].weight,
                           .step = flip_distance(net, l + 1),
                           .output = sample.layers[l + 1],
                           .below_eligibility = sample.layers[l].eligibility,
                           .work = out.work},
                          pass.ratio, pass.gain);
}

/// A_i = (1 - lambda_i) R
template <class T>
void joint_advantage(const Network<T>& net, const Sample<T>& sample, std::size_t l, const Vector<double>& reward,
                     UnitRewards<T>& out) {
  joint_ratio(net, sample, l, out);
  auto& pass = out.work.memory().flips[l];
  pass.advantage.resize(pass.gain.rows(), pass.gain.cols());
  for (Index s = 0; s < sample.batch(); ++s) pass.advantage.row(s) = static_cast<T>(reward[s]) * pass.gain.row(s);
}

/// Marks the samples that the kernels cannot do exactly, as far as is known beforehand. False if that is every one.
template <class T>
bool mark_outside(const Network<T>& net, const Sample<T>& sample, UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  using Range = kernels::Range<T>;
  auto& memory = out.work.memory();
  memory.flips.resize(sample.layers.size());
  memory.outside.assign(static_cast<std::size_t>(sample.batch()), 0);
  for (std::size_t l = 0; l < sample.layers.size(); ++l) {
    const auto& layer = sample.layers[l];
    if (l + 1 == sample.layers.size() && !net.output().independent_units()) continue;
    if (l > 0) {
      const auto& weight = net.layers()[l].weight;
      const T largest = net.flip_step(l) * kernel.max_abs(weight.size(), weight.data());
      if (!(largest < Range::weight) || (largest < least_weight<T> && largest > 0)) return false;
      memory.flips[l - 1].clip = largest >= Range::unclipped_weight;
    }
    for (Index s = 0; s < sample.batch(); ++s)
      if (!(kernel.max_abs(layer.odds.cols(), layer.odds.row(s).data()) < Range::odds))
        memory.outside[static_cast<std::size_t>(s)] = 1;
  }
  return true;
}

/// The marked samples, or all, in the slow arithmetic.
template <class T>
void redo_outside(FlipForm form, bool all, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                  UnitRewards<T>& out) {
  const auto& outside = out.work.memory().outside;
  for (Index s = 0; s < sample.batch(); ++s)
    if (all || outside[static_cast<std::size_t>(s)]) out_of_range_rewards(form, net, sample, s, reward[s], out);
}

/// combine(row of q, row of e, s) writes row s of T and says whether its numbers are in range.
template <class T, class F>
void combine_rows(const Sample<T>& sample, std::size_t l, UnitRewards<T>& out, F combine) {
  const auto& layer = sample.layers[l];
  auto& outside = out.work.memory().outside;
  split(sample.work.threads(), sample.batch(), grain_of(combine_cost * layer.logit.cols()),
        [&](Index begin, Index end, int) {
          for (Index s = begin; s < end; ++s)
            if (!combine(layer.likelihood.row(s), layer.eligibility.row(s), s))
              outside[static_cast<std::size_t>(s)] = 1;
        });
}

/// The same sample in double precision. What was drawn stands: the logits and actions are those of the sample, and only
/// what is made from them is made anew.
inline Sample<double> in_double(const Network<double>& twin, const Sample<float>& sample) {
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

/// The unit rewards of a rule: passes(net, sample, reward, out) runs the kernels from the output down and marks in
/// `outside` the samples that left their range. Weights of 55 and more, out of the range of the single-precision
/// kernels, are within that of the others. (An output kind of the user's has no twin of the other precision.)
template <class T, class Passes>
void weigh_flips(FlipForm form, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                 UnitRewards<T>& out, Passes passes) {
  reward_output(sample, reward, out);
  const bool in_range = mark_outside(net, sample, out);
  if (in_range) {
    passes(net, sample, reward, out);
  } else if constexpr (std::is_same_v<T, float>) {
    if (net.output().info() != nullptr) {
      const auto twin = net.template cast<double>();
      UnitRewards<double> rewards;
      weigh_flips(form, twin, in_double(twin, sample), reward, rewards, passes);
      for (std::size_t l = 0; l < out.layers.size(); ++l) out.layers[l] = rewards.layers[l].unaryExpr(&nearest<float>);
      return;
    }
  }
  redo_outside(form, !in_range, net, sample, reward, out);
}

/// The passes of the rules that hand down A_i alone: T_i = q_i A_i, or A_i where the unit fired.
template <class T>
void advantage_rewards(FlipForm form, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                       UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    auto& pass = out.work.memory().flips[l];
    if (joint_above(net, l)) {
      joint_advantage(net, sample, l, reward, out);
    } else {
      flip(form, net, sample, l, out);
    }
    combine_rows(sample, l, out, [&](const auto& q, const auto& e, Index s) {
      const auto a = pass.advantage.row(s);
      if (form == FlipForm::one_sided)
        out.layers[l].row(s) = e.unaryExpr([](T x) { return std::signbit(x) ? T(0) : T(1); }).cwiseProduct(a);
      else
        out.layers[l].row(s) = q.cwiseProduct(a);
      return kernel.max_abs(a.size(), a.data()) <= kernels::Range<T>::odds * static_cast<T>(std::abs(reward[s]));
    });
  }
}

}  // namespace uwm
