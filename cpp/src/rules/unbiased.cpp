// Unbiased Weight Maximization in four forms. With the units j of the layer above in a fixed order,
//
//     A_i = sum_j (prod_{k<j} kappa_ki) (1 - kappa_ji) T_j         lambda_i = prod_j kappa_ji
//     B_i = sum_j (prod_{k>j} kappa_ki) (kappa_ji - 1) T_j'        T_j' = T_j as it would be had i flipped
//
//     posterior-weighted   T_i = q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i)
//     blended              the same, A_i and B_i mixed with (1 - lambda_i) R and -(1 - lambda_i) R
//     two-sided            T_i = q_i A_i
//     one-sided            T_i = A_i if the unit fired, else 0
//
// The passes from layer to layer are the kernels of kernels/flip.inl.hpp; that they are unbiased is proven by
// enumeration in tests/test_unbiased.py.

#include <algorithm>
#include <cmath>

#include "rules/about.hpp"
#include "rules/flip_pass.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

/// A, B and lambda from the output down; see flip.inl.hpp.
template <class T>
void posterior_rewards(FlipForm form, const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                       UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  // at a Bernoulli output (A, B, lambda) = (R, -R, 0)
  auto& memory = out.work.memory();
  grow(memory.reward, reward.size());
  std::transform(reward.begin(), reward.end(), memory.reward.begin(), [](double r) { return static_cast<T>(r); });
  auto& top = memory.flips.back();
  top.advantage = out.layers.back();
  top.flipped_advantage = -out.layers.back();
  top.ratio.setZero(out.layers.back().rows(), out.layers.back().cols());
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    const Index n = sample.layers[l].logit.cols();
    auto& pass = out.work.memory().flips[l];
    pass.flipped_advantage.resize(sample.batch(), n);
    pass.ratio.resize(sample.batch(), n);
    if (joint_above(net, l)) {
      joint_advantage(net, sample, l, reward, out);
      pass.flipped_advantage = -pass.advantage;
    } else {
      // below the output A_i is (1 - lambda_i) R already
      flip(l + 2 == sample.layers.size() ? FlipForm::posterior : form, net, sample, l, out);
    }
    combine_rows(sample, l, out, [&](const auto& q, const auto& e, Index s) {
      return kernel.combine_posterior(n, q.data(), e.data(), pass.advantage.row(s).data(),
                                      pass.flipped_advantage.row(s).data(), pass.ratio.row(s).data(),
                                      out.layers[l].row(s).data());
    });
  }
}

}  // namespace

RuleClass UnbiasedWeightMax::about() {
  const auto form = [](FlipForm f, std::string description) {
    return about_rule<UnbiasedWeightMax>({.unbiased = true, .description = std::move(description)}, f);
  };
  return {.name = "UnbiasedWeightMax",
          .documentation = R"(
Unbiased Weight Maximization (Chung, arXiv 2307.13270), in four unbiased forms.

With kappa_ji how much likelier unit j's action would have been had unit i of the layer below chosen otherwise, and, over the
units j of the layer above in a fixed order,

    A_i = sum_j (prod_{k<j} kappa_ki) (1 - kappa_ji) T_j        lambda_i = prod_j kappa_ji,

- ``"blended"`` (the default): as "posterior", with A_i and B_i mixed with (1 - lambda_i) R and -(1 - lambda_i) R, with a
  share that goes from 0 to 1 as a flip of unit i moves the probabilities of more units j; it learns best in deep networks;
- ``"posterior"``: T_i = q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i), B_i the same comparison seen from the
  flipped side; a step costs up to a fifth less;
- ``"two_sided"``: T_i = q_i A_i;
- ``"one_sided"``: T_i = A_i if the unit fired, else 0.
)",
          .rules = {form(FlipForm::blended, "Unbiased Weight Maximization, its blended form: the default"),
                    form(FlipForm::posterior, "posterior-weighted, not mixed with the joint reward: cheaper"),
                    form(FlipForm::two_sided, "from the side that was drawn, weighted by its probability"),
                    form(FlipForm::one_sided, "only where the unit fired: the literal counterpart of weight_max")}};
}

UnbiasedWeightMax::UnbiasedWeightMax(FlipForm form) : form_(form) {
  require(form != FlipForm::difference && form != FlipForm::ratio,
          "form must be blended, posterior, two_sided or one_sided, got another rule's");
}

std::string UnbiasedWeightMax::name() const {
  return form_ == FlipForm::blended ? "unbiased_weight_max" : "unbiased_weight_max_" + to_string(form_);
}

template <class T>
void UnbiasedWeightMax::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                                UnitRewards<T>& out) const {
  weigh_flips(form_, net, sample, reward, out, [this](const auto& n, const auto& s, const auto& r, auto& t) {
    if (form_ == FlipForm::posterior || form_ == FlipForm::blended)
      posterior_rewards(form_, n, s, r, t);
    else
      advantage_rewards(form_, n, s, r, t);
  });
}

std::string to_string(FlipForm form) {
  switch (form) {
    case FlipForm::posterior:
      return "posterior";
    case FlipForm::blended:
      return "blended";
    case FlipForm::two_sided:
      return "two_sided";
    case FlipForm::one_sided:
      return "one_sided";
    case FlipForm::difference:
      return "difference";
    case FlipForm::ratio:
      break;
  }
  return "ratio";
}

FlipForm form_from_string(const std::string& name) {
  for (const FlipForm form : {FlipForm::blended, FlipForm::posterior, FlipForm::two_sided, FlipForm::one_sided})
    if (name == to_string(form)) return form;
  throw ValueError(text("form must be 'blended', 'posterior', 'two_sided' or 'one_sided', got '", name, "'"));
}

UWM_INSTANTIATE_RULE(UnbiasedWeightMax)

}  // namespace uwm
