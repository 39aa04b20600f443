#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>

#include "allocations.hpp"
#include "check.hpp"
#include "fixture.hpp"
#include "uwm/error.hpp"
#include "uwm/optimizers.hpp"
#include "uwm/rules.hpp"
#include "uwm/tasks.hpp"
#include "uwm/train.hpp"

using namespace fixture;
using uwm::Adam;
using uwm::Network;
using uwm::SGD;
using uwm::train;
using uwm::ValueError;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// What a user writes, without touching the library

/// The sign of what straight-through says.
struct SignRule final : uwm::RuleOf<SignRule> {
  std::string name() const override { return "sign"; }
  template <class T>
  void compute(const Network<T>& net, const uwm::Sample<T>& sample, const Vector<double>& reward,
               uwm::UnitRewards<T>& out) const {
    uwm::StraightThrough().compute(net, sample, reward, out);
    for (std::size_t l = 0; l + 1 < out.layers.size(); ++l) out.layers[l] = out.layers[l].array().sign().matrix();
  }
};

/// One bit; the output unit must give it back. `broken` says what is wrong with the task, from the third step on.
struct Echo final : uwm::TaskOf<Echo> {
  enum class Broken { no, reward_nan, reward_shape, reward_range, input_nan, input_shape, stops } broken = Broken::no;
  Index n_inputs() const override { return 1; }
  Index n_outputs() const override { return 1; }
  template <class T>
  void inputs(const uwm::Position& at, Matrix<T>& x) {
    for (Index s = 0; s < x.rows(); ++s)
      x(s, 0) = uwm::random_word(at, uwm::Stream::task_inputs, 0, static_cast<std::uint32_t>(s), 0) & 1 ? T(1) : T(-1);
    if (at.step < 2) return;
    if (broken == Broken::input_nan) x(0, 0) = std::numeric_limits<T>::quiet_NaN();
    if (broken == Broken::input_shape) x.setZero(x.rows(), 3);
  }
  template <class T>
  void reward(const uwm::Position& at, const uwm::Sample<T>& sample, Vector<double>& reward) const {
    for (Index s = 0; s < reward.size(); ++s)
      reward[s] = (sample.input(s, 0) > 0) == (sample.output()(s, 0) > 0) ? 1 : -1;
    if (at.step < 2) return;
    if (broken == Broken::reward_nan) reward[0] = not_a_number;
    if (broken == Broken::reward_shape) reward.setZero(reward.size() + 1);
    if (broken == Broken::reward_range) reward[0] = 1.7e308;
    if (broken == Broken::stops) throw uwm::StopTraining();
  }
};

/// A unit that is silent, or fires at one of two strengths.
template <class T>
class ThreeLevels final : public uwm::Output<T> {
 public:
  std::string name() const override { return "three_levels"; }
  void check_size(Index n) const override {
    if (n != 1) throw ValueError("three_levels has one unit");
  }
  void check_actions(uwm::ConstMatrixRef<T>) const override {}
  void draw(const uwm::Position& position, std::uint32_t layer, uwm::LayerSample<T>& output) const override {
    for (Index s = 0; s < output.logit.rows(); ++s) {
      const double u =
          uwm::uniform(uwm::random_word(position, uwm::Stream::activations, layer, static_cast<std::uint32_t>(s), 0));
      const double z = output.logit(s, 0), total = 1 + std::exp(z) + std::exp(2 * z);
      output.activation(s, 0) = T(u * total < 1 ? 0 : u * total < 1 + std::exp(z) ? 1 : 2);
    }
  }
  void evaluate(uwm::LayerSample<T>& output) const override {
    for (Index s = 0; s < output.logit.rows(); ++s) {
      const T one = std::exp(output.logit(s, 0)), mean = (one + 2 * one * one) / (1 + one + one * one);
      output.probability(s, 0) = mean;
      output.eligibility(s, 0) = output.activation(s, 0) - mean;
    }
  }
  double log_likelihood(std::span<const double> logit, std::span<const T> action) const override {
    return action[0] * logit[0] - std::log(1 + std::exp(logit[0]) + std::exp(2 * logit[0]));
  }
};

/// The mean reward so far, per sign of the input.
struct PerInput final : uwm::BaselineOf<PerInput> {
  double sum[2] = {}, count[2] = {1, 1};
  Index predictions = 0, wrong_shape = 0;
  template <class M>
  void predict(const M& input, Vector<double>& b) {
    for (Index s = 0; s < b.size(); ++s) b[s] = sum[input(s, 0) > 0] / count[input(s, 0) > 0];
    ++predictions;
  }
  template <class M>
  void update(const M& input, const Vector<double>& reward) {
    wrong_shape += input.rows() != reward.size();
    for (Index s = 0; s < reward.size(); ++s) {
      sum[input(s, 0) > 0] += reward[s];
      count[input(s, 0) > 0] += 1;
    }
  }
};

struct BrokenBaseline final : uwm::BaselineOf<BrokenBaseline> {
  enum class Broken { nan, shape, range, late } broken;
  explicit BrokenBaseline(Broken what) : broken(what) {}
  template <class M>
  void predict(const M&, Vector<double>& b) const {
    b.setConstant(broken == Broken::nan ? not_a_number : broken == Broken::range ? -1.7e308 : 0.0);
    if (broken == Broken::shape) b.setZero(b.size() + 1);
  }
  template <class M>
  void update(const M&, const Vector<double>&) const {
    throw std::domain_error("thrown late");
  }
};

/// Throws after it has done its work, or has spoilt the optimizer that it got hold of.
struct BrokenRule final : uwm::RuleOf<BrokenRule> {
  uwm::Optimizer* spoils = nullptr;
  std::string name() const override { return "broken"; }
  template <class T>
  void compute(const Network<T>& net, const uwm::Sample<T>& sample, const Vector<double>& reward,
               uwm::UnitRewards<T>& out) const {
    uwm::Reinforce().compute(net, sample, reward, out);
    if (spoils == nullptr) throw std::domain_error("thrown by the rule");
    spoils->restore(1, uwm::Optimizer::Moments<T>(2));
  }
};

struct AlwaysHalf final : uwm::TaskOf<AlwaysHalf> {
  Index n_inputs() const override { return 2; }
  Index n_outputs() const override { return 1; }
  template <class T>
  void inputs(const uwm::Position&, Matrix<T>& x) const {
    x.setOnes();
  }
  template <class T>
  void reward(const uwm::Position&, const uwm::Sample<T>&, Vector<double>& reward) const {
    reward.setConstant(0.5);
  }
};

struct Run {
  Network<float> net;
  uwm::Log log;
};

Run multiplexer_run(std::uint64_t seed) {
  Run run{Network<float>({6, 20, 1}, "bernoulli", {.seed = seed}), {}};
  Adam adam({0.01});
  uwm::Multiplexer task(2);
  run.log = train(run.net, uwm::UnbiasedWeightMax(), adam, task, {.steps = 500, .batch_size = 8});
  return run;
}

template <class T>
void check_constant_baseline() {
  // With the reward itself as the baseline nothing is learned.
  AlwaysHalf task;
  Network<T> net({2, 3, 1});
  const auto before = net;
  SGD sgd({0.1});
  uwm::ConstantBaseline half(0.5);
  const auto log = train(net, uwm::Reinforce(), sgd, task, {.steps = 10, .baseline = &half});
  CHECK(same_parameters(net, before) && log.mean_reward == 0.5 && half.value() == 0.5);
}

template <class T>
void check_refusals() {
  Network<T> net({6, 4, 1}), wide({6, 4, 3}), other({7, 4, 1});
  const auto before = net;
  SGD sgd({0.1}), three({0.1, 0.1, 0.1});
  uwm::Multiplexer task(2);
  const uwm::Reinforce rule;
  for (const std::int64_t bad : {0, -1}) {
    CHECK_THROWS(ValueError, "steps must be at least 1", train(net, rule, sgd, task, {.steps = bad}));
    CHECK_THROWS(ValueError, "batch_size must be at least 1",
                 train(net, rule, sgd, task, {.steps = 1, .batch_size = bad}));
  }
  CHECK_THROWS(ValueError, "record_every", train(net, rule, sgd, task, {.steps = 1, .record_every = -1}));
  CHECK_THROWS(ValueError, "threads must not be negative, got -1",
               train(net, rule, sgd, task, {.steps = 1, .threads = -1}));
  CHECK_THROWS(ValueError, "net must have the task's 6 inputs, got 7", train(other, rule, sgd, task, {.steps = 1}));
  CHECK_THROWS(ValueError, "net must have the task's 1 outputs, got 3", train(wide, rule, sgd, task, {.steps = 1}));
  CHECK_THROWS(ValueError, "one per layer (2), got 3", train(net, rule, three, task, {.steps = 1}));
  CHECK(same_parameters(net, before) && net.position().step == 0 && sgd.steps() == 0);
  net.layers()[1].weight(0, 0) = std::numeric_limits<T>::infinity();
  CHECK_THROWS(ValueError, "layers[1].weight", train(net, rule, sgd, task, {.steps = 1}));
}

/// Training goes well for two steps; the third is not taken.
template <class T>
void check_broken_parts() {
  Network<T> two_steps({1, 3, 1});
  SGD reference({0.1});
  Echo whole;
  train(two_steps, uwm::Reinforce(), reference, whole, {.steps = 2, .batch_size = 2});
  using Broken = Echo::Broken;
  for (const auto& [broken, part] : std::vector<std::pair<Broken, const char*>>{
           {Broken::reward_nan, "the task's rewards must be finite, but hold NaN or infinity at step 2"},
           {Broken::reward_shape, "the task's rewards must have shape (2, 1), got (3, 1) at step 2"},
           {Broken::reward_range, "rewards must be within the range of the network's precision, at step 2"},
           {Broken::input_nan, "the task's inputs must be finite, but hold NaN or infinity at step 2"},
           {Broken::input_shape, "the task's inputs must have shape (2, 1), got (2, 3) at step 2"}}) {
    if (broken == Broken::reward_range && sizeof(T) == 8) continue;
    Network<T> net({1, 3, 1});
    SGD sgd({0.1});
    Echo task;
    task.broken = broken;
    CHECK_THROWS(ValueError, part, train(net, uwm::Reinforce(), sgd, task, {.steps = 9, .batch_size = 2}));
    CHECK(same_parameters(net, two_steps) && net.position().step == 2 && sgd.steps() == 2);
  }
  using Bad = BrokenBaseline::Broken;
  for (const auto& [broken, part] : std::vector<std::pair<Bad, const char*>>{
           {Bad::nan, "the baseline's predictions must be finite, but hold NaN or infinity at step 0"},
           {Bad::shape, "the baseline's predictions must have shape (2, 1), got (3, 1) at step 0"},
           {Bad::range, "rewards must be within the range of the network's precision, at step 0"}}) {
    Network<T> net({1, 3, 1});
    const auto before = net;
    SGD sgd({0.1});
    Echo task;
    if (broken == Bad::range) {  // 1.7e308 less -1.7e308
      task.broken = Broken::reward_range;
      net.set_step(2);
    }
    const auto step = net.position().step;
    BrokenBaseline baseline(broken);
    CHECK_THROWS(ValueError, part,
                 train(net, uwm::Reinforce(), sgd, task, {.steps = 9, .batch_size = 2, .baseline = &baseline}));
    CHECK(same_parameters(net, before) && net.position().step == step && sgd.steps() == 0);
  }
}

/// An update that no number of this precision holds is refused, and the baseline has not seen its reward.
template <class T>
void check_baseline_of_a_refused_step() {
  Network<T> net({1, 3, 1});
  SGD sgd({std::numeric_limits<T>::max()});
  uwm::RunningMean baseline(0.5, 100.0);
  Echo task;
  CHECK_THROWS(uwm::DivergenceError, "diverged",
               train(net, uwm::Reinforce(), sgd, task, {.steps = 1, .baseline = &baseline}));
  CHECK(baseline.value() == 100.0 && net.position().step == 0 && sgd.steps() == 0);
}

template <class T>
void check_exceptions() {
  Network<T> net({1, 3, 1});
  const auto before = net;
  Adam adam({0.1});
  Echo task;
  BrokenBaseline late(BrokenBaseline::Broken::late);
  CHECK_THROWS(std::domain_error, "thrown late",
               train(net, uwm::Reinforce(), adam, task, {.steps = 3, .baseline = &late}));
  BrokenRule rule;
  CHECK_THROWS(std::domain_error, "thrown by the rule", train(net, rule, adam, task, {.steps = 3}));
  CHECK(same_parameters(net, before) && net.position().step == 0 && adam.steps() == 0);
  rule.spoils = &adam;
  CHECK_THROWS(ValueError, "got another shape", train(net, rule, adam, task, {.steps = 3}));
  CHECK(same_parameters(net, before) && net.position().step == 0);
}

template <class T>
void check_stop() {
  Network<T> net({1, 3, 1}), two_steps = net;
  SGD sgd({0.1}), two({0.1});
  Echo task, whole;
  task.broken = Echo::Broken::stops;
  const auto log = train(net, uwm::Reinforce(), sgd, task, {.steps = 100, .batch_size = 4, .record_every = 5});
  const auto short_log = train(two_steps, uwm::Reinforce(), two, whole, {.steps = 2, .batch_size = 4});
  CHECK(log.stopped && log.steps == 2 && log.rewards.size() == 1 && log.mean_reward == short_log.mean_reward);
  CHECK(std::isnan(log.final_reward) && !short_log.stopped);
  CHECK(same_parameters(net, two_steps) && net.position().step == 2 && sgd.steps() == 2);
}

/// At the step that meets it, whatever the rule, or after the last: what train() returns from is finite.
template <class T>
void check_divergence(double rate) {
  for (const auto& name : uwm::rule_names()) {
    const auto rule = uwm::make_rule(name);
    const auto diverges = [&](std::int64_t steps) {
      Network<T> net({6, 8, 1});
      Adam adam({rate});
      uwm::Multiplexer task(2);
      try {
        train(net, *rule, adam, task, {.steps = steps, .batch_size = 8});
      } catch (const uwm::DivergenceError& error) {
        CHECK(std::string(error.what()).starts_with("training diverged before step "));
        return true;
      }
      net.check_finite();
      return false;
    };
    CHECK(diverges(1000));
    for (std::int64_t steps = 1; steps < 10; ++steps) diverges(steps);
  }
}

template <class T>
void check_progress() {
  Network<T> net({20, 64, 1});
  SGD sgd({0.001});
  uwm::Multiplexer task(4);
  std::vector<uwm::Progress> seen;
  auto log = train(net, uwm::Reinforce(), sgd, task, {.steps = 20, .progress = [&](const uwm::Progress& p) {
                                                        seen.push_back(p);
                                                        return true;
                                                      }});
  CHECK(!seen.empty() && seen.back().step == 20 && seen.back().steps == 20 && seen.back().reward == log.rewards.back());

  int calls = 0;
  log = train(net, uwm::Reinforce(), sgd, task,
              {.steps = std::int64_t{1} << 40, .record_every = 1000, .progress = [&](const uwm::Progress& p) {
                 CHECK(p.step >= 1 && p.steps == std::int64_t{1} << 40);
                 return ++calls < 2;
               }});
  CHECK(calls == 2 && log.stopped && log.steps > 0 && log.seconds < 5);
  CHECK(static_cast<std::int64_t>(log.rewards.size()) == (log.steps + 999) / 1000 && std::isfinite(log.mean_reward));

  struct Enough : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  CHECK_THROWS(Enough, "enough",
               train(net, uwm::Reinforce(), sgd, task,
                     {.steps = 5, .progress = [](const uwm::Progress&) -> bool { throw Enough("enough"); }}));
}

}  // namespace

TEST(training_is_the_circle_of_its_parts) {
  Network<double> net({6, 9, 5, 1}, "bernoulli", {.units = uwm::Units::bipolar}), by_hand = net;
  Adam adam({0.01, 0.02, 0.03}), adam_by_hand({0.01, 0.02, 0.03});
  uwm::Multiplexer task(2);
  uwm::RunningMean baseline(0.1);
  const uwm::UnbiasedWeightMax rule;
  const auto log =
      train(net, rule, adam, task, {.steps = 25, .batch_size = 4, .baseline = &baseline, .record_every = 10});

  double mean = 0, total = 0;
  std::vector<double> windows;
  double window = 0;
  for (int step = 0; step < 25; ++step) {
    Matrix<double> x(4, 6);
    Vector<double> reward(4);
    const auto at = by_hand.position();
    task.inputs(at, x);
    const auto sample = by_hand.forward(x);
    task.reward(at, sample, reward);
    total += reward.sum();
    window += reward.sum();
    const Vector<double> advantage = reward.array() - mean;
    mean += 0.1 * (reward.mean() - mean);
    uwm::UnitRewards<double> t;
    uwm::Gradient<double> g;
    rule.unit_rewards(by_hand, sample, advantage, t);
    uwm::gradient(by_hand, sample, t, g);
    adam_by_hand.step(by_hand, g);
    if (step % 10 == 9 || step == 24) {
      windows.push_back(window / (4 * (step == 24 ? 5 : 10)));
      window = 0;
    }
  }
  CHECK(same_parameters(net, by_hand) && net.position().step == 25 && adam.steps() == 25);
  CHECK(baseline.value() == mean);
  CHECK(log.rewards.size() == 3 && log.record_every == 10 && log.steps == 25 && log.batch_size == 4 && !log.stopped);
  for (std::size_t i = 0; i < 3; ++i) CHECK_NEAR(log.rewards[i], windows[i], 1e-15);
  CHECK_NEAR(log.mean_reward, total / 100, 1e-15);
  CHECK(log.seconds > 0 && std::isfinite(log.final_reward));
}

TEST(windows_default_to_a_hundredth) {
  Network<float> net({6, 4, 1});
  SGD sgd({0.01});
  uwm::Multiplexer task(2);
  CHECK(train(net, uwm::Reinforce(), sgd, task, {.steps = 1000}).record_every == 10);
  const auto log = train(net, uwm::Reinforce(), sgd, task, {.steps = 7});
  CHECK(log.record_every == 1 && log.rewards.size() == 7);
  CHECK(log.final_reward == log.rewards.back());
}

TEST(every_rule_learns_the_smallest_multiplexer) {
  for (const auto& name : uwm::rule_names()) {
    Network<float> net({3, 16, 1}, "bernoulli", {.seed = 1});
    Adam adam({0.01});
    uwm::Multiplexer task(1);
    uwm::RunningMean baseline;
    const auto log =
        train(net, *uwm::make_rule(name), adam, task, {.steps = 3000, .batch_size = 32, .baseline = &baseline});
    if (!(log.final_reward > 0.6)) check::fail(__FILE__, __LINE__, name, " ends at ", log.final_reward);
  }
}

TEST(parts_of_ones_own_work_without_touching_the_library) {
  Echo task;
  const auto learns = [&](auto&& net) {
    Adam adam({0.02});
    PerInput baseline;
    const auto log = train(net, SignRule(), adam, task, {.steps = 2000, .batch_size = 4, .baseline = &baseline});
    CHECK(log.final_reward > 0.9 && baseline.predictions == 2000 && baseline.wrong_shape == 0);
  };
  learns(Network<float>({1, 8, 1}));
  learns(Network<double>({1, 8, 1}));
  for (const auto& name : uwm::rule_names()) {
    Network<double> net({1, 8, 1}, std::make_shared<ThreeLevels<double>>());
    Adam adam({0.02});
    PerInput baseline;
    const auto log =
        train(net, *uwm::make_rule(name), adam, task, {.steps = 2000, .batch_size = 16, .baseline = &baseline});
    if (!(log.final_reward > 0.8)) check::fail(__FILE__, __LINE__, name, " ends at ", log.final_reward);
  }
  CHECK_THROWS(ValueError, "three_levels has one unit",
               Network<double>({1, 2}, std::make_shared<ThreeLevels<double>>()));
}

TEST(baselines_refuse_what_is_no_number) {
  CHECK(uwm::ConstantBaseline(0.5).value() == 0.5);
  CHECK(uwm::RunningMean(0.5, 2.0).rate() == 0.5 && uwm::RunningMean(0.5, 2.0).value() == 2.0);
  for (const double bad : {not_a_number, std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS(ValueError, "finite", uwm::ConstantBaseline(bad));
    CHECK_THROWS(ValueError, "value must be finite", uwm::RunningMean(0.1, bad));
    CHECK_THROWS(ValueError, "rate must be above 0 and at most 1", uwm::RunningMean(bad));
  }
  for (const double bad : {0.0, -0.5, 1.5})
    CHECK_THROWS(ValueError, "rate must be above 0 and at most 1", uwm::RunningMean(bad));
}

TEST(a_constant_baseline_is_subtracted) {
  check_constant_baseline<float>();
  check_constant_baseline<double>();
}

TEST(what_does_not_fit_together_is_refused_and_changes_nothing) {
  check_refusals<float>();
  check_refusals<double>();
}

TEST(a_task_or_baseline_that_breaks_its_promise_is_named) {
  check_broken_parts<float>();
  check_broken_parts<double>();
}

TEST(what_a_part_throws_passes_through_and_leaves_the_last_whole_step) {
  check_exceptions<float>();
  check_exceptions<double>();
  check_baseline_of_a_refused_step<float>();
  check_baseline_of_a_refused_step<double>();
}

TEST(a_part_can_stop_training) {
  check_stop<float>();
  check_stop<double>();
}

TEST(training_that_is_stopped_before_its_first_step_has_no_rewards) {
  Network<float> net({1, 3, 1});
  net.set_step(2);
  SGD sgd({0.1});
  Echo task;
  task.broken = Echo::Broken::stops;
  const auto log = train(net, uwm::Reinforce(), sgd, task, {.steps = 100});
  CHECK(log.stopped && log.steps == 0 && log.rewards.empty() && std::isnan(log.mean_reward));
}

TEST(divergence_is_told) {
  check_divergence<float>(3e38);
  check_divergence<double>(1e308);
}

TEST(progress_is_told_and_can_stop) {
  check_progress<float>();
  check_progress<double>();
}

TEST(nothing_is_allocated_per_step) {
  if (!allocations::counted) {
    std::cout << "allocations are not counted in this build\n";
    return;
  }
  // Runs of different lengths allocate the same: all of it before the second step.
  const auto allocated = [](const char* output, const uwm::Rule& rule, uwm::Optimizer& optimizer, auto& net,
                            std::int64_t steps) {
    std::unique_ptr<uwm::Task> task;
    if (output == std::string("softmax"))
      task = std::make_unique<uwm::Bandit>(normal_matrix<double>(9, 20, 1, 1),
                                           std::vector<std::int64_t>{0, 1, 2, 0, 1, 2, 0, 1, 2});
    else
      task = std::make_unique<uwm::Multiplexer>(4);
    uwm::RunningMean baseline;
    const std::size_t before = allocations::count();
    train(net, rule, optimizer, *task, {.steps = steps, .batch_size = 4, .baseline = &baseline, .record_every = 10000});
    return allocations::count() - before;
  };
  const auto run = [&](auto zero, const char* output, const uwm::Rule& rule, uwm::Optimizer& optimizer) {
    Network<decltype(zero)> net({20, 17, 9, output == std::string("softmax") ? 3 : 1}, output);
    allocated(output, rule, optimizer, net, 1);  // moments
    const std::size_t one = allocated(output, rule, optimizer, net, 1),
                      many = allocated(output, rule, optimizer, net, 200);
    if (one != many) check::fail(__FILE__, __LINE__, rule.name(), " with ", output, " output: ", one, " and ", many);
    CHECK(one > 0);
  };
  for (const auto& name : uwm::rule_names())
    for (const char* output : {"bernoulli", "softmax", "gaussian"}) {
      const auto rule = uwm::make_rule(name);
      SGD momentum({1e-4}, 0.9), plain({1e-4});
      Adam adam({1e-4}), adam_double({1e-4});
      run(0.0f, output, *rule, adam);
      run(0.0, output, *rule, adam_double);
      run(0.0f, output, *rule, momentum);
      run(0.0, output, *rule, plain);
      run(0.0f, output, uwm::WeightMax(3), adam);
    }
}

TEST(nothing_is_allocated_per_step_of_a_loop_of_ones_own) {
  if (!allocations::counted) return;
  const auto run = [](auto zero, const char* output, const uwm::Rule& rule, uwm::Optimizer&& optimizer) {
    using T = decltype(zero);
    Network<T> net({6, 17, 9, 2}, output);
    const Matrix<T> inputs = normal_matrix<T>(8, 6, 1, 1);
    Vector<double> reward(4);
    uwm::Sample<T> sample;
    uwm::Gradient<T> gradient;
    std::size_t after_the_first = 0;
    for (int step = 0; step < 50; ++step) {
      if (step == 1) after_the_first = allocations::count();
      net.forward(inputs.middleRows(step % 2 * 4, 4), sample);  // a block, taken as it is
      for (Index s = 0; s < 4; ++s) reward[s] = sample.output()(s, 0) > 0 ? 1 : -1;
      rule.gradient(net, sample, reward, gradient);
      optimizer.step(net, gradient);
    }
    const std::size_t more = allocations::count() - after_the_first;
    if (more != 0) check::fail(__FILE__, __LINE__, rule.name(), " with ", output, " output: ", more);
  };
  for (const auto& name : uwm::rule_names())
    for (const char* output : {"bernoulli", "softmax", "gaussian"}) {
      const auto rule = uwm::make_rule(name);
      run(0.0f, output, *rule, Adam({1e-4}));
      run(0.0, output, *rule, Adam({uwm::Schedule::linear(1e-3, 1e-4, 40)}));
      run(0.0f, output, *rule, SGD({1e-4}, 0.9));
    }
}

TEST(separate_networks_train_in_separate_threads) {
  std::vector<Run> alone, together;
  for (std::uint64_t seed = 0; seed < 4; ++seed) alone.push_back(multiplexer_run(seed));
  together = alone;
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    threads.emplace_back([&together, seed] { together[seed] = multiplexer_run(seed); });
  for (auto& thread : threads) thread.join();
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    CHECK(same_parameters(alone[seed].net, together[seed].net));
    CHECK(alone[seed].log.rewards == together[seed].log.rewards);
  }
}
