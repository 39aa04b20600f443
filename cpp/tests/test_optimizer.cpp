#include <limits>
#include <stdexcept>

#include "check.hpp"
#include "fixture.hpp"
#include "uwm/error.hpp"
#include "uwm/optimizers.hpp"
#include "uwm/rules.hpp"
#include "uwm/step_sizes.hpp"
#include "uwm/tasks.hpp"
#include "uwm/train.hpp"

using namespace fixture;
using uwm::Adam;
using uwm::Gradient;
using uwm::Network;
using uwm::Schedule;
using uwm::SGD;
using uwm::ValueError;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
Gradient<T> normal_gradient(const Network<T>& net, unsigned seed) {
  Gradient<T> g;
  g.resize_like(net);
  for (auto& layer : g.layers) {
    fill_normal(layer.weight, 1, ++seed);
    fill_normal(layer.bias, 1, ++seed);
  }
  return g;
}

/// Every parameter of the network, or number of the gradient, in one order.
template <class T>
std::vector<double> flat(const Network<T>& net) {
  std::vector<double> all;
  for (const auto& layer : net.layers()) {
    all.insert(all.end(), layer.weight.data(), layer.weight.data() + layer.weight.size());
    all.insert(all.end(), layer.bias.data(), layer.bias.data() + layer.bias.size());
  }
  return all;
}

template <class T>
std::vector<double> flat(const Gradient<T>& g) {
  std::vector<double> all;
  for (const auto& layer : g.layers) {
    all.insert(all.end(), layer.weight.data(), layer.weight.data() + layer.weight.size());
    all.insert(all.end(), layer.bias.data(), layer.bias.data() + layer.bias.size());
  }
  return all;
}

/// Three moments, more than any built-in: gradients are followed with a delay of two updates.
class Delayed final : public uwm::Optimizer {
 public:
  using Optimizer::Optimizer;
  std::string name() const override { return "delayed"; }
  std::size_t n_moments() const override { return 3; }
  std::map<std::string, double> settings() const override { return {}; }

 protected:
  void update(const Update<float>& u) const override { apply(u); }
  void update(const Update<double>& u) const override { apply(u); }

 private:
  template <class T>
  void apply(const Update<T>& u) const {
    for (Index i = 0; i < u.n; ++i) {
      u.moments[2][i] = u.moments[1][i];
      u.moments[1][i] = u.moments[0][i];
      u.moments[0][i] = u.gradient[i];
      u.parameter[i] += static_cast<T>(u.rate) * u.moments[2][i];
    }
  }
};

/// More moments than there is room for.
class Greedy final : public uwm::Optimizer {
 public:
  using Optimizer::Optimizer;
  std::string name() const override { return "greedy"; }
  std::size_t n_moments() const override { return 9; }
  std::map<std::string, double> settings() const override { return {}; }

 protected:
  void update(const Update<float>&) const override {}
  void update(const Update<double>&) const override {}
};

/// Steps of one length: all layers of the gradient count for it, so the update is made of the whole network at once.
class UnitSteps final : public uwm::Optimizer {
 public:
  using Optimizer::Optimizer;
  std::string name() const override { return "unit_steps"; }
  std::size_t n_moments() const override { return 1; }
  std::map<std::string, double> settings() const override { return {}; }

 protected:
  void update(const Update<float>&) const override { check::fail(__FILE__, __LINE__, "update() was called"); }
  void update(const Update<double>&) const override { check::fail(__FILE__, __LINE__, "update() was called"); }
  bool whole_network() const override { return true; }
  void update_network(Network<float>& net, const Gradient<float>& g) override { step_along(net, g); }
  void update_network(Network<double>& net, const Gradient<double>& g) override { step_along(net, g); }

 private:
  template <class T>
  void step_along(Network<T>& net, const Gradient<T>& gradient) const {
    T square = 0;
    for (const auto& g : gradient.layers) square += g.weight.squaredNorm() + g.bias.squaredNorm();
    for (std::size_t l = 0; square > 0 && l < gradient.layers.size(); ++l) {
      const T scale = static_cast<T>(rate(net, l)) / std::sqrt(square);
      net.layers()[l].weight += scale * gradient.layers[l].weight;
      net.layers()[l].bias += scale * gradient.layers[l].bias;
    }
  }
};

template <class T>
void check_unit_steps(double tolerance) {
  Network<T> net({5, 7, 3});
  UnitSteps optimizer({Schedule::linear(0.5, 0.25, 1)});
  for (const double rate : {0.5, 0.25}) {
    const auto before = flat(net), gradient = flat(normal_gradient(net, 1));
    double length = 0;
    for (const double g : gradient) length += g * g;
    length = std::sqrt(length);
    optimizer.step(net, normal_gradient(net, 1));
    const auto after = flat(net);
    for (std::size_t i = 0; i < after.size(); ++i)
      CHECK_NEAR(after[i], before[i] + rate * gradient[i] / length, tolerance);
  }
  CHECK(optimizer.steps() == 2 && std::holds_alternative<std::monostate>(optimizer.state()));

  const auto before = net;
  auto bad = normal_gradient(net, 1);
  bad.layers[1].bias[2] = T(not_a_number);
  CHECK_THROWS(ValueError, "the gradient of layer 1 must be finite", optimizer.step(net, bad));
  CHECK(same_parameters(net, before) && optimizer.steps() == 2);
}

/// Writes a number that is not finite, or throws half way.
class Careless final : public uwm::Optimizer {
 public:
  explicit Careless(double writes) : Optimizer({0.1}), writes_(writes) {}
  std::string name() const override { return "careless"; }
  std::size_t n_moments() const override { return 0; }
  std::map<std::string, double> settings() const override { return {}; }

 protected:
  void update(const Update<float>&) const override {}
  void update(const Update<double>&) const override {}
  bool whole_network() const override { return true; }
  void update_network(Network<float>& net, const Gradient<float>&) override { spoil(net); }
  void update_network(Network<double>& net, const Gradient<double>&) override { spoil(net); }

 private:
  template <class T>
  void spoil(Network<T>& net) const {
    net.layers()[0].weight.setConstant(T(0.25));
    net.layers()[1].bias[0] = static_cast<T>(writes_);
    if (writes_ == 0) throw std::domain_error("thrown half way");
  }
  double writes_;
};

template <class T>
void check_careless_updates() {
  Network<T> net({3, 4, 1});
  const auto before = net;
  uwm::Multiplexer task(1);
  uwm::RunningMean mean(0.5, 100.0);
  for (const double writes : {not_a_number, HUGE_VAL}) {
    Careless optimizer(writes);
    const char* message = "the optimizer's update of layer 1 must be finite, but holds NaN or infinity";
    CHECK_THROWS(ValueError, message, optimizer.step(net, normal_gradient(net, 1)));
    CHECK_THROWS(uwm::DivergenceError, message,
                 uwm::train(net, uwm::Reinforce(), optimizer, task, {.steps = 1, .baseline = &mean}));
    CHECK(same_parameters(net, before) && optimizer.steps() == 0 && net.position().step == 0 && mean.value() == 100);
  }
  Careless throws(0);
  CHECK_THROWS(std::domain_error, "half way", throws.step(net, normal_gradient(net, 1)));
  CHECK_THROWS(std::domain_error, "half way",
               uwm::train(net, uwm::Reinforce(), throws, task, {.steps = 1, .baseline = &mean}));
  CHECK(same_parameters(net, before) && throws.steps() == 0 && net.position().step == 0 && mean.value() == 100);
}

template <class T>
void check_equations(double tolerance) {
  const Network<T> start({5, 7, 3});
  auto sgd_net = start, momentum_net = start, adam_net = start;
  SGD sgd({0.1}), momentum({0.1}, 0.9);
  Adam adam({Schedule::linear(0.1, 0.05, 2)}, 0.8, 0.99, 1e-3);
  auto w = flat(start), wm = w, wa = w;
  std::vector<double> velocity(w.size()), m(w.size()), v(w.size());
  for (int t = 1; t <= 4; ++t) {
    const auto g = normal_gradient(start, static_cast<unsigned>(t));
    sgd.step(sgd_net, g);
    momentum.step(momentum_net, g);
    adam.step(adam_net, g);
    const auto gradient = flat(g);
    const auto got = flat(sgd_net), got_momentum = flat(momentum_net), got_adam = flat(adam_net);
    const double rate = t == 1 ? 0.1 : t == 2 ? 0.075 : 0.05;
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] += 0.1 * gradient[i];
      velocity[i] = 0.9 * velocity[i] + gradient[i];
      wm[i] += 0.1 * velocity[i];
      m[i] = 0.8 * m[i] + 0.2 * gradient[i];
      v[i] = 0.99 * v[i] + 0.01 * gradient[i] * gradient[i];
      wa[i] += rate * m[i] / (1 - std::pow(0.8, t)) / (std::sqrt(v[i] / (1 - std::pow(0.99, t))) + 1e-3);
      CHECK_NEAR(got[i], w[i], tolerance);
      CHECK_NEAR(got_momentum[i], wm[i], tolerance);
      CHECK_NEAR(got_adam[i], wa[i], tolerance);
    }
    CHECK(sgd.steps() == t && adam.steps() == t);
  }
}

template <class T, class Other>
void check_refusals() {
  Network<T> net({5, 7, 3}), other({5, 8, 3}), deeper({5, 7, 7, 3});
  Network<Other> cast({5, 7, 3});
  Adam adam;
  adam.step(net, normal_gradient(net, 1));
  const auto before = net;
  CHECK_THROWS(ValueError, "the gradient must have the network's 2 layers, got 3",
               adam.step(net, normal_gradient(deeper, 1)));
  CHECK_THROWS(ValueError, "the gradient of layer 0 must have shape (7, 5), got (8, 5)",
               adam.step(net, normal_gradient(other, 1)));
  CHECK_THROWS(ValueError, "another shape", adam.step(other, normal_gradient(other, 1)));
  CHECK_THROWS(ValueError, "another shape", adam.check(deeper));
  CHECK_THROWS(ValueError, "other precision", adam.step(cast, normal_gradient(cast, 1)));
  CHECK_THROWS(ValueError, "one per layer (2), got 3", SGD({0.1, 0.1, 0.1}).step(net, normal_gradient(net, 1)));
  for (const double bad : {not_a_number, infinity}) {
    auto g = normal_gradient(net, 1);
    g.layers[1].bias[2] = T(bad);
    CHECK_THROWS(ValueError, "the gradient of layer 1 must be finite", adam.step(net, g));
  }
  SGD sgd({0.1});
  auto broken = net;
  broken.layers()[0].weight.resize(7, 4);
  CHECK_THROWS(ValueError, "layers[0].weight and bias must have shapes (7, 5)",
               sgd.step(broken, normal_gradient(net, 1)));
  CHECK_THROWS(ValueError, "greedy must keep at most 8 moments, got 9",
               Greedy({0.1}).step(net, normal_gradient(net, 1)));
  CHECK(same_parameters(net, before) && adam.steps() == 1);
  adam.check(net);
}

}  // namespace

TEST(schedules_go_from_start_to_end_and_stay) {
  CHECK(Schedule(0.3).at(0) == 0.3 && Schedule(0.3).at(1000) == 0.3);
  const auto linear = Schedule::linear(1, 3, 4);
  CHECK(linear.at(0) == 1 && linear.at(1) == 1.5 && linear.at(4) == 3 && linear.at(5) == 3);
  const auto exponential = Schedule::exponential(1, 1e-2, 2);
  CHECK(exponential.at(0) == 1 && exponential.at(2) == 1e-2 && exponential.at(99) == 1e-2);
  CHECK_NEAR(exponential.at(1), 0.1, 1e-15);
  for (const std::int64_t steps : {0, -1}) {
    CHECK_THROWS(ValueError, "steps must be at least 1, got ", Schedule::linear(1, 2, steps));
    CHECK_THROWS(ValueError, "steps must be at least 1, got ", Schedule::exponential(1, 2, steps));
  }
  for (const double bad : {not_a_number, infinity}) {
    CHECK_THROWS(ValueError, "finite", Schedule::linear(bad, 2, 1));
    CHECK_THROWS(ValueError, "finite", Schedule::exponential(1, bad, 1));
  }
  CHECK_THROWS(ValueError, "start must be above 0, got 0", Schedule::exponential(0, 1, 1));
  CHECK_THROWS(ValueError, "end must be at least 0, got -1", Schedule::exponential(1, -1, 1));
  CHECK_THROWS(ValueError, "start must be at least 0, got -1", Schedule::linear(-1, 0, 1));
}

TEST(an_inverse_root_rises_and_falls) {
  const auto fall = Schedule::inverse_root(2, 100, 10);
  CHECK_NEAR(fall.at(0), 0.2, 1e-15);
  CHECK_NEAR(fall.at(9), 2 / std::sqrt(1.09), 1e-15);
  CHECK_NEAR(fall.at(300), 1.0, 1e-15);
  CHECK_THROWS(ValueError, "warm_up must be at least 0, got -1", Schedule::inverse_root(1, 1, -1));
  CHECK_THROWS(ValueError, "steps must be at least 1, got ", Schedule::inverse_root(1, 0));
}

TEST(automatic_rates_follow_from_fan_in_place_units_and_temperature) {
  const Network<float> net({9, 4, 19, 1}, "bernoulli", {.units = uwm::Units::bipolar, .temperature = {1, 2, 4}});
  const auto rates = uwm::automatic_rates(net);
  CHECK_NEAR(rates[0].at(0), 0.1, 1e-15);
  CHECK_NEAR(rates[1].at(200), 0.5 * 2 / 5 / std::sqrt(1.2), 1e-15);
  CHECK_NEAR(rates[1].at(0), 0.5 * 2 / 5 / 200, 1e-15);
  CHECK_NEAR(rates[2].at(1000), 0.5 * 0.2 * 4 / 20 / std::sqrt(2), 1e-15);
  CHECK_NEAR(Adam().rate(net, 2), rates[2].at(0), 1e-18);
}

TEST(only_adam_has_automatic_rates) {
  CHECK(Adam().learning_rate().empty() && Adam().has_automatic_rate());
  CHECK_THROWS(ValueError, "sgd has no automatic one", SGD({}));
}

TEST(updates_are_their_equations) {
  check_equations<float>(2e-6);
  check_equations<double>(1e-14);
}

TEST(layers_have_their_own_rates) {
  Network<double> net({5, 7, 3});
  const auto before = net;
  const auto g = normal_gradient(net, 1);
  SGD sgd({0.0, 0.5});
  sgd.step(net, g);
  CHECK(net.layers()[0].weight == before.layers()[0].weight && net.layers()[0].bias == before.layers()[0].bias);
  CHECK(net.layers()[1].weight.isApprox(before.layers()[1].weight + 0.5 * g.layers[1].weight, 1e-15));
}

TEST(optimizers_tell_what_they_are) {
  const Adam adam;
  CHECK(adam.name() == "adam" && adam.learning_rate().empty());
  CHECK((adam.settings() == std::map<std::string, double>{{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}}));
  const SGD sgd({0.1, 0.2}, 0.5);
  CHECK(sgd.name() == "sgd" && sgd.learning_rate().size() == 2 && sgd.settings().at("momentum") == 0.5);
  CHECK(sgd.steps() == 0 && std::holds_alternative<std::monostate>(sgd.state()));
}

TEST(bad_settings_are_refused) {
  CHECK_THROWS(ValueError, "sgd has no automatic one", SGD(std::vector<Schedule>{}));
  for (const double rate : {-0.1, not_a_number, infinity}) {
    CHECK_THROWS(ValueError, "learning rates must be finite and not negative", SGD({rate}));
    CHECK_THROWS(ValueError, "learning rates must be finite and not negative", Adam({0.1, rate}));
  }
  CHECK_THROWS(ValueError, "rate must be at least 0, got -1", Schedule::inverse_root(-1, 1));
  for (const double bad : {-0.1, 1.0, not_a_number}) {
    CHECK_THROWS(ValueError, "momentum", SGD({0.1}, bad));
    CHECK_THROWS(ValueError, "beta1", Adam({0.1}, bad));
    CHECK_THROWS(ValueError, "beta2", Adam({0.1}, 0.9, bad));
  }
  for (const double bad : {0.0, -1.0, not_a_number, infinity})
    CHECK_THROWS(ValueError, "epsilon", Adam({0.1}, 0.9, 0.999, bad));
}

template <class T>
void check_overflow() {
  const T big = sizeof(T) == 4 ? T(1e30) : T(1e300);
  Network<T> net({5, 7, 3});
  auto huge = normal_gradient(net, 1);
  for (auto& layer : huge.layers) {
    layer.weight.setConstant(big);
    layer.bias.setConstant(-big);
  }
  const auto before = net;
  SGD sgd({static_cast<double>(big)}, 0.9);
  CHECK_THROWS(ValueError, "the update of layer 0 must stay within", sgd.step(net, huge));
  CHECK(same_parameters(net, before) && sgd.steps() == 0);
  Adam adam({0.01});
  adam.step(net, huge);
  for (const auto& moment : std::get<uwm::Optimizer::Moments<T>>(adam.state()))
    for (const auto& layer : moment) CHECK(layer.weight.allFinite() && layer.bias.allFinite());
  net.check_finite();
}

TEST(a_huge_gradient_leaves_nothing_that_is_not_finite) {
  check_overflow<float>();
  check_overflow<double>();
}

TEST(what_rounds_to_one_or_infinity_in_float_is_refused_there) {
  Network<float> net({5, 7, 3});
  Network<double> wide({5, 7, 3});
  const double nearly = 1 - 1e-10;
  for (Adam adam : {Adam({0.1}, nearly), Adam({0.1}, 0.9, nearly), Adam({0.1}, 0.9, 0.9, 1e39), Adam({1e39})}) {
    CHECK_THROWS(ValueError, "precision", adam.step(net, normal_gradient(net, 1)));
    adam.check(wide);
  }
  CHECK_THROWS(ValueError, "momentum", SGD({0.1}, nearly).step(net, normal_gradient(net, 1)));
}

TEST(what_does_not_fit_is_refused_and_changes_nothing) {
  check_refusals<float, double>();
  check_refusals<double, float>();
}

TEST(restore_goes_on_where_another_stopped) {
  Network<float> net({5, 7, 3});
  Adam adam, copy;
  adam.step(net, normal_gradient(net, 1));
  auto twin = net;
  copy.restore(adam.steps(), adam.state());
  adam.step(net, normal_gradient(net, 2));
  copy.step(twin, normal_gradient(net, 2));
  CHECK(same_parameters(net, twin) && copy.steps() == 2);
  CHECK_THROWS(ValueError, "must not be negative, got -1", copy.restore(-1, {}));
  // Too few moments for Adam.
  copy.restore(1, uwm::Optimizer::Moments<float>(1, std::get<uwm::Optimizer::Moments<float>>(adam.state())[0]));
  const auto before = twin;
  CHECK_THROWS(ValueError, "adam must have 2 moments, got 1", copy.step(twin, normal_gradient(net, 2)));
  CHECK(same_parameters(twin, before) && copy.steps() == 1);
}

TEST(an_optimizer_of_ones_own_keeps_as_many_moments_as_it_likes) {
  Network<double> net({5, 7, 3});
  const auto before = net;
  Delayed delayed({1.0});
  const auto first = normal_gradient(net, 1);
  delayed.step(net, first);
  delayed.step(net, normal_gradient(net, 2));
  CHECK(same_parameters(net, before));
  delayed.step(net, normal_gradient(net, 3));
  CHECK(net.layers()[0].weight.isApprox(before.layers()[0].weight + first.layers[0].weight, 1e-15));
}

TEST(an_optimizer_of_ones_own_makes_the_whole_update_at_once) {
  check_unit_steps<float>(1e-6);
  check_unit_steps<double>(1e-14);
}

TEST(a_whole_update_that_throws_or_leaves_the_finite_numbers_is_taken_back) {
  check_careless_updates<float>();
  check_careless_updates<double>();
}

TEST(training_takes_an_optimizer_that_makes_the_whole_update_at_once) {
  Network<float> net({3, 8, 1});
  const auto before = net;
  UnitSteps optimizer({0.1});
  uwm::Multiplexer task(1);
  uwm::train(net, uwm::UnbiasedWeightMax(), optimizer, task, {.steps = 10, .batch_size = 4});
  CHECK(optimizer.steps() == 10 && !same_parameters(net, before));
}

TEST(the_registries_make_what_they_list) {
  std::string names;
  for (const auto& info : uwm::optimizer_infos()) {
    const auto made = info.make({0.1}, info.defaults);
    CHECK(made->info() == &info && made->name() == info.name && made->settings() == info.defaults);
    CHECK(uwm::optimizer_info(info.name) == &info && uwm::make_optimizer(info.name, {0.1})->info() == &info);
    names += info.name + " ";
  }
  for (const auto& info : uwm::baseline_infos()) {
    const auto made = info.make(info.defaults);
    CHECK(made->info() == &info && made->settings() == info.defaults && uwm::baseline_info(info.name) == &info);
    names += info.name + " ";
  }
  CHECK(names == "sgd adam constant running_mean ");
  CHECK(uwm::optimizer_info("running_mean") == nullptr && uwm::baseline_info("sgd") == nullptr);
  CHECK(UnitSteps({0.1}).info() == nullptr);
}

TEST(the_settings_of_a_running_mean_are_what_it_has_learned) {
  uwm::RunningMean mean(0.5);
  mean.update(Matrix<float>(Matrix<float>::Ones(2, 3)), Vector<double>::Ones(2));
  CHECK(mean.settings().at("rate") == 0.5 && mean.settings().at("value") == 0.5);
  Vector<double> b(1);
  mean.info()->make(mean.settings())->predict(Matrix<float>(Matrix<float>::Ones(1, 3)), b);
  CHECK(b[0] == 0.5);
}
