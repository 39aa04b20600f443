#include <limits>

#include "allocations.hpp"
#include "check.hpp"
#include "fixture.hpp"
#include "uwm/error.hpp"
#include "uwm/learner.hpp"
#include "uwm/rules.hpp"

using namespace fixture;
using uwm::Adam;
using uwm::Learner;
using uwm::Network;
using uwm::ValueError;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

TEST(a_learner_takes_the_steps_of_the_parts) {
  Network<double> net({6, 9, 5, 2}), by_hand = net;
  Adam adam({0.01}), adam_by_hand({0.01});
  const uwm::UnbiasedWeightMax rule;
  Learner<double> learner(net, rule, adam);
  for (unsigned step = 0; step < 20; ++step) {
    const Index batch = 1 + step % 3;
    const Matrix<double> x = normal_matrix<double>(batch, 6, 1, step);
    const Vector<double> reward = normal_matrix<double>(batch, 1, 1, step + 100);
    const auto sample = by_hand.forward(x);
    adam_by_hand.step(by_hand, rule.gradient(by_hand, sample, reward));
    CHECK(learner.forward(x).output() == sample.output() && learner.sample().output() == sample.output());
    learner.learn(reward);
    CHECK(same_parameters(net, by_hand));
  }
  CHECK(net.position().step == 20 && adam.steps() == 20);
}

TEST(what_does_not_fit_a_learner_is_refused_and_changes_nothing) {
  Network<float> net({3, 4, 1});
  const Network<float> before = net;
  const uwm::Reinforce rule;
  Adam adam({0.01}), two_rates({0.1, 0.2, 0.3});
  CHECK_THROWS(ValueError, "one per layer (2), got 3", Learner<float>(net, rule, two_rates));
  Learner<float> learner(net, rule, adam);
  CHECK_THROWS(ValueError, "forward must come before learn", learner.learn(Vector<double>::Zero(1)));
  CHECK_THROWS(ValueError, "x must have shape (batch, 3), got (1, 4)", learner.forward(Matrix<float>::Zero(1, 4)));
  CHECK_THROWS(ValueError, "x must hold at least one sample", learner.forward(Matrix<float>(0, 3)));
  CHECK_THROWS(ValueError, "x must be finite", learner.forward(Matrix<float>::Constant(1, 3, float(infinity))));
  learner.forward(Matrix<float>::Zero(2, 3));
  CHECK_THROWS(ValueError, "reward must have shape (2,), got (1,)", learner.learn(Vector<double>::Zero(1)));
  CHECK_THROWS(ValueError, "reward must be finite", learner.learn(Vector<double>::Constant(2, std::nan(""))));
  CHECK_THROWS(ValueError, "within the range of float32", learner.learn(Vector<double>::Constant(2, 1e300)));
  CHECK(same_parameters(net, before) && adam.steps() == 0 && net.position().step == 1);
}

TEST(a_learner_tells_that_it_diverged) {
  for (const bool hidden : {true, false}) {
    Network<double> net({3, 4, 1});
    const uwm::Reinforce rule;
    Adam adam({0.01});
    Learner<double> learner(net, rule, adam);
    const Matrix<double> x = Matrix<double>::Ones(1, 3);
    learner.forward(x);
    net.layers()[hidden ? 0 : 1].weight(0, 0) = -infinity;
    CHECK_THROWS(uwm::DivergenceError, hidden ? "layers[0].weight" : "layers[1].weight", learner.forward(x));
    CHECK(net.position().step == 1);
    CHECK_THROWS(ValueError, "forward must come before learn", learner.learn(Vector<double>::Zero(1)));
  }
  Network<double> net({3, 4, 1});
  const uwm::Reinforce rule;
  Adam adam({0.01});
  Learner<double> learner(net, rule, adam);
  net.layers()[0].weight.setConstant(1e308);
  CHECK_THROWS(uwm::DivergenceError, "a logit is out of range", learner.forward(Matrix<double>::Constant(1, 3, 10)));
}

TEST(a_learner_allocates_nothing_after_its_first_step) {
  if (!allocations::counted) return;
  for (const auto& name : uwm::rule_names())
    for (const char* output : {"bernoulli", "softmax", "gaussian"}) {
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
