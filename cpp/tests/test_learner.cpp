#include <limits>

#include "allocations.hpp"
#include "check.hpp"
#include "fixture.hpp"
#include "uwm/error.hpp"
#include "uwm/learner.hpp"
#include "uwm/optimizers.hpp"
#include "uwm/rules.hpp"

using namespace fixture;
using uwm::Adam;
using uwm::Learner;
using uwm::Network;
using uwm::ValueError;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
void check_steps() {
  Network<T> net({6, 9, 5, 2}), by_hand = net;
  Adam adam({0.01}), adam_by_hand({0.01});
  const uwm::UnbiasedWeightMax rule;
  Learner<T> learner(net, rule, adam);
  for (unsigned step = 0; step < 20; ++step) {
    const Index batch = 1 + step % 3;
    const Matrix<T> x = normal_matrix<T>(batch, 6, 1, step);
    const Vector<double> reward = normal_matrix<double>(batch, 1, 1, step + 100);
    const auto sample = by_hand.forward(x);
    adam_by_hand.step(by_hand, rule.gradient(by_hand, sample, reward));
    CHECK(learner.forward(x).output() == sample.output() && learner.sample().output() == sample.output());
    learner.learn(reward);
    CHECK(same_parameters(net, by_hand));
  }
  CHECK(net.position().step == 20 && adam.steps() == 20);
}

template <class T>
void check_refusals() {
  Network<T> net({3, 4, 1}), broken({3, 4, 1});
  const Network<T> before = net;
  const uwm::Reinforce rule;
  Adam adam({0.01}), three_rates({0.1, 0.2, 0.3});
  broken.layers()[1].bias[0] = T(infinity);
  CHECK_THROWS(ValueError, "one per layer (2), got 3", Learner<T>(net, rule, three_rates));
  CHECK_THROWS(ValueError, "layers[1].bias must be finite", Learner<T>(broken, rule, adam));
  Learner<T> learner(net, rule, adam);
  CHECK(learner.sample().batch() == 0);
  CHECK_THROWS(ValueError, "forward must come before learn", learner.learn(Vector<double>::Zero(1)));
  CHECK_THROWS(ValueError, "x must have shape (batch, 3), got (1, 4)", learner.forward(Matrix<T>::Zero(1, 4)));
  CHECK_THROWS(ValueError, "x must hold at least one sample", learner.forward(Matrix<T>(0, 3)));
  CHECK_THROWS(ValueError, "x must be finite", learner.forward(Matrix<T>::Constant(1, 3, T(infinity))));
  CHECK(net.position().step == 0);
  learner.forward(Matrix<T>::Zero(2, 3));
  const char* range = sizeof(T) == 4 ? "within the range of float32" : "within the range of float64";
  CHECK_THROWS(ValueError, "reward must have shape (2,), got (1,)", learner.learn(Vector<double>::Zero(1)));
  CHECK_THROWS(ValueError, "reward must be finite", learner.learn(Vector<double>::Constant(2, std::nan(""))));
  CHECK_THROWS(ValueError, range, learner.learn(Vector<double>::Constant(2, sizeof(T) == 4 ? 1e300 : infinity)));
  CHECK(same_parameters(net, before) && adam.steps() == 0 && net.position().step == 1);
  learner.learn(Vector<double>::Zero(2));  // the sample is still there
  CHECK(adam.steps() == 1);
}

template <class T>
void check_divergence() {
  const Matrix<T> x = Matrix<T>::Ones(1, 3);
  const uwm::Reinforce rule;
  for (const bool hidden : {true, false}) {
    Network<T> net({3, 4, 1});
    Adam adam({0.01});
    Learner<T> learner(net, rule, adam);
    learner.forward(x);
    net.layers()[hidden ? 0 : 1].weight(0, 0) = -T(infinity);
    CHECK_THROWS(uwm::DivergenceError, hidden ? "layers[0].weight" : "layers[1].weight", learner.forward(x));
    CHECK(net.position().step == 1);
    CHECK_THROWS(ValueError, "forward must come before learn", learner.learn(Vector<double>::Zero(1)));
  }
  Network<T> net({3, 4, 1});
  Adam adam({0.01});
  Learner<T> learner(net, rule, adam);
  net.layers()[0].weight.setConstant(std::numeric_limits<T>::max() / 2);
  CHECK_THROWS(uwm::DivergenceError, "a logit of layer 0 is out of range", learner.forward(x * 10));
  CHECK(net.position().step == 0 && adam.steps() == 0);
}

/// A rule that has got hold of the optimizer, and spoils it.
struct Meddler final : uwm::RuleOf<Meddler> {
  uwm::Optimizer* optimizer = nullptr;
  std::string name() const override { return "meddler"; }
  template <class T>
  void compute(const Network<T>& net, const uwm::Sample<T>& sample, const Vector<double>& reward,
               uwm::UnitRewards<T>& out) const {
    uwm::Reinforce().compute(net, sample, reward, out);
    optimizer->restore(1, uwm::Optimizer::Moments<T>(2));
  }
};

template <class T>
void check_meddling() {
  Network<T> net({3, 4, 1});
  const auto before = net;
  Adam adam({0.01});
  Meddler rule;
  rule.optimizer = &adam;
  Learner<T> learner(net, rule, adam);
  learner.forward(Matrix<T>::Ones(1, 3));
  CHECK_THROWS(ValueError, "got another shape", learner.learn(Vector<double>::Ones(1)));
  CHECK(same_parameters(net, before));
}

}  // namespace

TEST(a_learner_takes_the_steps_of_the_parts) {
  check_steps<float>();
  check_steps<double>();
}

TEST(what_does_not_fit_a_learner_is_refused_and_changes_nothing) {
  check_refusals<float>();
  check_refusals<double>();
}

TEST(a_learner_tells_that_it_diverged) {
  check_divergence<float>();
  check_divergence<double>();
}

TEST(a_rule_that_spoils_the_optimizer_is_found_out) {
  check_meddling<float>();
  check_meddling<double>();
}

TEST(a_learner_allocates_nothing_after_its_first_step) {
  if (!allocations::counted) return;
  const std::vector<std::shared_ptr<const uwm::Output<float>>> outputs = {
      uwm::make_output<float>("bernoulli"), uwm::make_output<float>("softmax"), uwm::make_output<float>("gaussian"),
      std::make_shared<Plain<float, uwm::SoftmaxOutput<float>>>()};
  for (const auto& name : uwm::rule_names())
    for (const auto& output : outputs) {
      Network<float> net({6, 17, 9, 2}, output);
      Adam adam({1e-4});
      const auto rule = uwm::make_rule(name);
      Learner<float> learner(net, *rule, adam);
      const Matrix<float> x = normal_matrix<float>(4, 6, 1, 1);
      const Vector<double> reward = Vector<double>::Ones(4);
      std::size_t after_the_first = 0;
      for (int step = 0; step < 50; ++step) {
        if (step == 1) after_the_first = allocations::count();
        learner.forward(x);
        learner.learn(reward);
      }
      CHECK(allocations::count() == after_the_first);
    }
}
