// The learner: a step of learning in two calls, for a program that runs its own world. It checks what it is given.

#include "uwm/learner.hpp"

#include <limits>

#include "learn/step.hpp"
#include "network/forward.hpp"
#include "work/message.hpp"

namespace uwm {

template <class T>
Learner<T>::Learner(Network<T>& net, const Rule& rule, Optimizer& optimizer)
    : net_(net), step_(std::make_unique<Step<T>>(net, rule, optimizer)) {}

template <class T>
Learner<T>::~Learner() = default;

template <class T>
const Sample<T>& Learner<T>::forward(ConstMatrixRef<T> x) {
  check_input(net_, x);
  net_.check_shapes();
  step_->inputs(x.rows()) = x;
  throw_divergence(step_->forward());
  return sample();
}

template <class T>
void Learner<T>::learn(const Vector<double>& reward) {
  const Index batch = sample().batch();
  require(batch > 0, "forward must come before learn");
  require(reward.size() == batch, "reward must have shape (", batch, ",), got (", reward.size(), ",)");
  require(reward.cwiseAbs().maxCoeff() <= std::numeric_limits<T>::max() && reward.allFinite(),
          "reward must be finite and within the range of ", sizeof(T) == 4 ? "float32" : "float64");
  step_->reward(reward);
  throw_divergence(step_->update());
}

template <class T>
const Sample<T>& Learner<T>::sample() const {
  return step_->sample();
}

template class Learner<float>;
template class Learner<double>;

}  // namespace uwm
