// The step of learning that Learner takes one at a time and train takes many of.

#include "learn/step.hpp"

#include "learn/apply.hpp"
#include "network/forward.hpp"
#include "uwm/error.hpp"
#include "work/message.hpp"

namespace uwm {

template <class T>
Step<T>::Step(Network<T>& net, const Rule& rule, Optimizer& optimizer) : net_(net), rule_(rule), optimizer_(optimizer) {
  optimizer.check(net);
  net.check_finite();
}

template <class T>
Matrix<T>& Step<T>::inputs(Index batch) {
  if (sample_.batch() != batch) resize_like(net_, batch, sample_);
  return sample_.input;
}

template <class T>
std::string Step<T>::forward() {
  return forward_or_restore(net_, sample_);
}

template <class T>
void Step<T>::reward(const Vector<double>& reward) {
  rule_.unit_rewards(net_, sample_, reward, gradient_.unit_rewards);
  gradient(net_, sample_, gradient_.unit_rewards, gradient_);
}

template <class T>
std::string Step<T>::update(const std::function<void()>& meanwhile) {
  optimizer_.check(net_);  // a rule or a task may have changed it: they can hold a reference
  return apply_gradient(optimizer_, net_, gradient_, Watch::gradient, sample_.work.threads(), meanwhile);
}

void throw_divergence(const std::string& why) {
  if (!why.empty()) throw DivergenceError(text("learning diverged (a learning rate that is too large?): ", why));
}

template class Step<float>;
template class Step<double>;

}  // namespace uwm
