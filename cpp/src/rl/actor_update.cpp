// One update of an agent's critic and actor by the TD errors.

#include "learn/apply.hpp"
#include "uwm/actor_critic.hpp"
#include "uwm/error.hpp"
#include "work/message.hpp"

namespace uwm {

/// live: how many environments take part.
void ActorCritic::learn(Index live) {
  critic_.learn(td_error_, live);
  if (settings_.trace_form == Settings::TraceForm::product) {
    credit_from_products(live);
  } else if (uses_traces()) {
    coefficient_ = td_error_ / static_cast<double>(live);
    traces_.sum(coefficient_, gradient_);
  } else {
    const double scale = static_cast<double>(environments_) / static_cast<double>(live);
    for (auto& rewards : unit_rewards_.layers)
      for (Index k = 0; k < environments_; ++k) rewards.row(k) *= static_cast<float>(scale * td_error_[k]);
    gradient(*actor_, sample_, unit_rewards_, gradient_);
  }
  if (settings_.reference_class) {
    gradient_.layers.back().weight.bottomRows(1).setZero();
    gradient_.layers.back().bias.tail(1).setZero();
  }
  adam_.check(*actor_);
  const std::string refused = apply_gradient(adam_, *actor_, gradient_, Watch::gradient, nullptr);
  if (!refused.empty()) throw DivergenceError(text("learning diverged: in the actor, ", refused));
}

/// Each unit is paid for the growth of its outgoing weights, sum_j 2 w_ji T_j z_ji, with z_ji the trace of j's
/// eligibility times i's activation; its own update is this pay times its own traces.
void ActorCritic::credit_from_products(Index live) {
  for (auto& layer : gradient_.layers) {
    layer.weight.setZero();
    layer.bias.setZero();
  }
  for (Index k = 0; k < environments_; ++k) {
    if (td_error_[k] == 0) continue;
    credit_.head(actor_->n_outputs()).setConstant(static_cast<float>(td_error_[k] / static_cast<double>(live)));
    for (std::size_t l = gradient_.layers.size(); l-- > 0;) {
      const auto& z = traces_.of(k)[l];
      const auto& weight = actor_->layers()[l].weight;
      const auto credit = credit_.head(weight.rows());
      auto below = credit_below_.head(weight.cols());
      below.setZero();
      for (Index j = 0; j < weight.rows(); ++j) {
        gradient_.layers[l].weight.row(j) += credit[j] * z.weight.row(j);
        below += 2 * credit[j] * weight.row(j).cwiseProduct(z.weight.row(j)).transpose();
      }
      gradient_.layers[l].bias += credit.cwiseProduct(z.bias);
      credit_.swap(credit_below_);
    }
  }
}

}  // namespace uwm
