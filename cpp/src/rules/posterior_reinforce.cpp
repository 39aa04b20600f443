// Posterior REINFORCE: T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i), REINFORCE with the unit's own action
// averaged out given the layer above. It is Hindsight Network Credit Assignment (HNCA; Young, 2022).

#include "rules/about.hpp"
#include "rules/flip_pass.hpp"

namespace uwm {

namespace {

template <class T>
void posterior_reinforce_rewards(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                                 UnitRewards<T>& out) {
  const auto& kernel = kernels::active<T>();
  for (std::size_t l = sample.layers.size() - 1; l-- > 0;) {
    auto& pass = out.work.memory().flips[l];
    pass.ratio.resize(sample.batch(), sample.layers[l].logit.cols());
    if (joint_above(net, l))
      joint_ratio(net, sample, l, out);
    else
      flip(FlipForm::ratio, net, sample, l, out);
    combine_rows(sample, l, out, [&](const auto& q, const auto& e, Index s) {
      const auto ratio = pass.ratio.row(s).array();
      out.layers[l].row(s) =
          T(reward[s]) * q.array() * pass.gain.row(s).array() / (q.array() + e.array().abs() * ratio);
      return kernel.max_abs(ratio.size(), pass.ratio.row(s).data()) < kernels::Range<T>::odds;
    });
  }
}

}  // namespace

RuleClass PosteriorReinforce::about() {
  return {.name = "PosteriorReinforce",
          .documentation = R"(
T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i): REINFORCE with the unit's own action averaged out given the layer
above. Unbiased and bounded, but still one global reward.
)",
          .rules = {about_rule<PosteriorReinforce>(
              {.aliases = {"hnca"},
               .unbiased = true,
               .description = "REINFORCE with the unit's own action averaged out; HNCA"})}};
}

template <class T>
void PosteriorReinforce::compute(const Network<T>& net, const Sample<T>& sample, const Vector<double>& reward,
                                 UnitRewards<T>& out) const {
  weigh_flips(FlipForm::ratio, net, sample, reward, out,
              [](const auto& n, const auto& s, const auto& r, auto& t) { posterior_reinforce_rewards(n, s, r, t); });
}

UWM_INSTANTIATE_RULE(PosteriorReinforce)

}  // namespace uwm
