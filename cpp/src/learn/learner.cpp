#include "uwm/learner.hpp"

#include <limits>

#include "learn/apply.hpp"
#include "network/forward.hpp"
#include "work/message.hpp"

namespace uwm {

namespace {

DivergenceError divergence(const std::string& why) {
  return DivergenceError(text("learning diverged (a learning rate that is too large?): ", why));
}

}  // namespace

template <class T>
Learner<T>::Learner(Network<T>& net, const Rule& rule, Optimizer& optimizer)
    : net_(net), rule_(rule), optimizer_(optimizer) {
  optimizer.check(net);
  net.check_finite();
}

template <class T>
const Sample<T>& Learner<T>::forward(ConstMatrixRef<T> x) {
  check_input(net_, x);
  net_.check_shapes();
  if (sample_.batch() != x.rows()) resize_like(net_, x.rows(), sample_);
  sample_.input = x;
  const auto step = net_.position().step;
  draw_forward(net_, sample_);
  const auto why = why_not_finite(net_, sample_);
  if (why.empty()) return sample_;
  net_.set_step(step);
  sample_ = {};
  throw divergence(why);
}

template <class T>
void Learner<T>::learn(const Vector<double>& reward) {
  require(sample_.batch() > 0, "forward must come before learn");
  require(reward.size() == sample_.batch(), "reward must have shape (", sample_.batch(), ",), got (", reward.size(),
          ",)");
  require(reward.cwiseAbs().maxCoeff() <= std::numeric_limits<T>::max() && reward.allFinite(),
          "reward must be finite and within the range of ", sizeof(T) == 4 ? "float32" : "float64");
  rule_.unit_rewards(net_, sample_, reward, gradient_.unit_rewards);
  gradient(net_, sample_, gradient_.unit_rewards, gradient_);
  optimizer_.check(net_);  // a rule may have got hold of it
  const auto refused = apply_gradient<T>(optimizer_, net_, gradient_, Watch::gradient, nullptr);
  if (!refused.empty()) throw divergence(refused);
}

template class Learner<float>;
template class Learner<double>;

}  // namespace uwm
