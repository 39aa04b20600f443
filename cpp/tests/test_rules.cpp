#include <functional>
#include <limits>
#include <set>
#include <string>

#include "check.hpp"
#include "fixture.hpp"
#include "uwm/error.hpp"
#include "uwm/rules.hpp"

using namespace fixture;
using uwm::Network;
using uwm::NetworkOptions;
using uwm::Units;
using uwm::ValueError;

namespace {

using Weights = std::vector<uwm::LayerGradient<double>>;

double sigmoid(double z) { return z < 0 ? std::exp(z) / (1 + std::exp(z)) : 1 / (1 + std::exp(-z)); }

/// Every activity of a small network for one input, how likely each is, and the reward that each earns. A Gaussian
/// output is summed on a grid: the trapezoidal rule is exact to rounding for functions that are smooth and vanish at
/// both ends.
struct Activities {
  uwm::Sample<double> sample;
  Vector<double> probability, reward;
};

constexpr double gaussian_step = 0.125, gaussian_end = 14;

std::vector<Vector<double>> output_actions(const Network<double>& net) {
  std::vector<Vector<double>> actions;
  const Index n = net.n_outputs();
  if (net.output().name() == "bernoulli") {
    for (int bits = 0; bits < 1 << n; ++bits) {
      Vector<double> a(n);
      for (Index k = 0; k < n; ++k) a[k] = bits >> k & 1;
      actions.push_back(a);
    }
  } else if (net.output().name() == "softmax") {
    for (Index k = 0; k < n; ++k) actions.push_back(Vector<double>::Unit(n, k));
  } else {
    for (double a = -gaussian_end; a <= gaussian_end; a += gaussian_step)
      actions.push_back(Vector<double>::Constant(1, a));
  }
  return actions;
}

/// Pr(action | logits), in plain loops of its own.
double output_probability(const Network<double>& net, const Vector<double>& z, const Vector<double>& action) {
  double p = 1;
  if (net.output().name() == "bernoulli") {
    for (Index k = 0; k < z.size(); ++k) p *= action[k] > 0 ? sigmoid(z[k]) : sigmoid(-z[k]);
  } else if (net.output().name() == "softmax") {
    double total = 0;
    for (Index k = 0; k < z.size(); ++k) total += std::exp(z[k]);
    p = std::exp(z.dot(action)) / total;
  } else {
    p = gaussian_step * std::exp(-0.5 * (action[0] - z[0]) * (action[0] - z[0])) / std::sqrt(2 * M_PI);
  }
  return p;
}

Activities enumerate(const Network<double>& net, const Vector<double>& x,
                     const std::function<double(const Vector<double>&)>& reward) {
  const double silent = net.units() == Units::bipolar ? -1 : 0;
  const auto actions = output_actions(net);
  int n_hidden = 0;
  for (std::size_t l = 0; l + 1 < net.layers().size(); ++l) n_hidden += static_cast<int>(net.sizes()[l + 1]);
  const Index n = (Index{1} << n_hidden) * static_cast<Index>(actions.size());
  std::vector<Matrix<double>> h;
  for (std::size_t l = 0; l < net.layers().size(); ++l) h.emplace_back(n, net.sizes()[l + 1]);
  Activities all{{}, Vector<double>(n), Vector<double>(n)};
  for (Index s = 0; s < n; ++s) {
    Index code = s / static_cast<Index>(actions.size());
    const auto& action = actions[static_cast<std::size_t>(s) % actions.size()];
    double p = 1;
    Vector<double> below = x;
    for (std::size_t l = 0; l < net.layers().size(); ++l) {
      const auto& layer = net.layers()[l];
      const Vector<double> z = (layer.weight * below + layer.bias) / layer.temperature;
      if (l + 1 == net.layers().size()) {
        p *= output_probability(net, z, action);
        h[l].row(s) = action;
        break;
      }
      for (Index j = 0; j < z.size(); ++j, code >>= 1) {
        p *= code & 1 ? sigmoid(z[j]) : sigmoid(-z[j]);
        h[l](s, j) = code & 1 ? 1 : silent;
      }
      below = h[l].row(s);
    }
    all.probability[s] = p;
    all.reward[s] = reward(action);
  }
  all.sample = net.clamp(x.transpose().replicate(n, 1), h);
  return all;
}

/// The exact gradient, sum over activities of Pr * R * d log Pr, in plain loops.
Weights exact_gradient(const Network<double>& net, const Activities& all) {
  Weights g;
  for (const auto& layer : net.layers())
    g.push_back(
        {Matrix<double>::Zero(layer.weight.rows(), layer.weight.cols()), Vector<double>::Zero(layer.bias.size())});
  for (Index s = 0; s < all.probability.size(); ++s)
    for (std::size_t l = 0; l < net.layers().size(); ++l) {
      const auto& layer = net.layers()[l];
      const Vector<double> below = all.sample.below(l).row(s), h = all.sample.layers[l].activation.row(s);
      const Vector<double> z = (layer.weight * below + layer.bias) / layer.temperature;
      Vector<double> e = h - z;  // Gaussian
      if (l + 1 < net.layers().size() || net.output().name() == "bernoulli")
        for (Index j = 0; j < z.size(); ++j) e[j] = h[j] > 0 ? sigmoid(-z[j]) : -sigmoid(z[j]);
      else if (net.output().name() == "softmax")
        e = h - Vector<double>(z.array().exp() / z.array().exp().sum());
      e *= all.probability[s] * all.reward[s] / layer.temperature;
      g[l].weight += e * below.transpose();
      g[l].bias += e;
    }
  return g;
}

/// The exact mean of a rule's update: its unit rewards, weighted by how likely each activity is.
Weights expected_update(const Network<double>& net, const uwm::Rule& rule, const Activities& all) {
  uwm::UnitRewards<double> t;
  rule.unit_rewards(net, all.sample, all.reward, t);
  const double n = static_cast<double>(all.probability.size());
  for (auto& layer : t.layers) layer.array().colwise() *= n * all.probability.array();
  uwm::Gradient<double> g;
  uwm::gradient(net, all.sample, t, g);
  return g.layers;
}

/// The exact slope of the mean reward with the input: z of the first layer changes with x as with b, w times as much.
Vector<double> exact_input_gradient(const Network<double>& net, const Activities& all) {
  return net.layers()[0].weight.transpose() * exact_gradient(net, all)[0].bias;
}

/// The exact mean of a rule's gradient with respect to the input, of which each activity gives a row.
Vector<double> expected_input_gradient(const Network<double>& net, const uwm::Rule& rule, const Activities& all) {
  return rule.input_gradient(net, all.sample, all.reward).transpose() * all.probability;
}

/// Of the hidden layers together.
double relative_bias(const Weights& update, const Weights& gradient) {
  double error = 0, size = 0;
  for (std::size_t l = 0; l + 1 < gradient.size(); ++l) {
    error += (update[l].weight - gradient[l].weight).squaredNorm() + (update[l].bias - gradient[l].bias).squaredNorm();
    size += gradient[l].weight.squaredNorm() + gradient[l].bias.squaredNorm();
  }
  return std::sqrt(error / size);
}

struct Setting {
  const char* output;
  Index n_out;
};

template <class F>
void for_each_network(F f) {
  unsigned seed = 100;
  for (const Setting output : {Setting{"bernoulli", 1}, {"bernoulli", 2}, {"softmax", 3}, {"gaussian", 1}})
    for (const Units units : {Units::binary, Units::bipolar})
      for (const double scale : {0.3, 1.0, 3.0}) {
        if (output.output == std::string("gaussian") && scale == 3.0) continue;  // leaves the grid
        Network<double> net({3, 3, 2, output.n_out}, output.output, {.units = units, .temperature = {0.8, 1.4, 1.1}});
        set_parameters(net, scale, seed += 10);
        Vector<double> x(3);
        fill_normal(x, 1, seed);
        const auto reward = [](const Vector<double>& a) {
          return std::cos(1 + a.sum()) + 0.7 * a[0] + 2 * a[a.size() - 1];
        };
        f(net, enumerate(net, x, reward));
      }
}

/// The unit rewards of a sample, and again with one more hidden unit that touches nothing but has done, in every second
/// sample, what it does once in 5e8: those samples leave the kernels for the slow arithmetic.
template <class T>
void check_slow_arithmetic(const char* output, Units units, double tolerance) {
  const NetworkOptions options = {.units = units, .temperature = {1, 0.8, 1.2}};
  Network<T> net({3, 5, 4, 2}, output, options), more({3, 6, 4, 2}, output, options);
  set_parameters(net, 1, 7);
  for (std::size_t l = 0; l < 3; ++l) {
    auto& layer = more.layers()[l];
    layer.weight.setZero();
    layer.weight.topLeftCorner(net.sizes()[l + 1], net.sizes()[l]) = net.layers()[l].weight;
    layer.bias.head(net.sizes()[l + 1]) = net.layers()[l].bias;
  }
  more.layers()[0].bias[5] = -20;
  const auto x = normal_matrix<T>(40, 3, 1, 9);
  const auto sample = net.forward(x);
  std::vector<Matrix<T>> h;
  for (const auto& layer : sample.layers) h.push_back(layer.activation);
  h[0].conservativeResize(40, 6);
  for (Index s = 0; s < 40; ++s) h[0](s, 5) = s % 2 ? 1 : units == Units::bipolar ? -1 : 0;
  const auto more_sample = more.clamp(x, h);
  const Vector<double> reward = Vector<double>::LinSpaced(40, -1, 2);
  for (const auto& name : uwm::rule_names()) {
    if (name == "feedback_alignment") continue;  // a wider layer has a smaller b
    uwm::UnitRewards<T> fast, slow;
    uwm::make_rule(name)->unit_rewards(net, sample, reward, fast);
    uwm::make_rule(name)->unit_rewards(more, more_sample, reward, slow);
    for (std::size_t l = 0; l < 3; ++l) {
      const double error =
          (slow.layers[l].leftCols(net.sizes()[l + 1]) - fast.layers[l]).norm() / fast.layers[l].norm();
      if (!(error < tolerance))
        check::fail(__FILE__, __LINE__, name, " with ", output, " output differs by ", error, " in layer ", l);
    }
  }
}

/// One hidden unit, which has fired, and `n_out` output units above: each logit is w / 2, and -w / 2 under the flip.
/// They all did what that says, or, not `with` it, what they would have done otherwise.
template <class T>
T reward_below_large_weights(double w, Index n_out, bool with, const std::string& rule) {
  Network<T> net({1, 1, n_out});
  net.layers()[0].weight.setZero();
  net.layers()[0].bias.setConstant(T(0.5));
  net.layers()[1].weight.setConstant(T(w));
  net.layers()[1].bias.setConstant(T(-w / 2));
  const auto sample =
      net.clamp(Matrix<T>::Zero(1, 1), {Matrix<T>::Ones(1, 1), Matrix<T>::Constant(1, n_out, with ? T(1) : T(0))});
  uwm::UnitRewards<T> t;
  uwm::make_rule(rule)->unit_rewards(net, sample, Vector<double>::Ones(1), t);
  return t.layers[0](0, 0);
}

/// T_i of every rule where lambda is as good as zero, where it is as good as infinite, and where it is too large for T.
template <class T>
void check_large_weights(double tolerance) {
  constexpr double most = std::numeric_limits<T>::max();
  const double q = sigmoid(0.5);
  for (const double w : {50.0, 4000.0})
    for (const auto& [rule, expected] :
         std::vector<std::pair<std::string, double>>{{"unbiased_weight_max_posterior", 1},
                                                     {"unbiased_weight_max", 1},
                                                     {"unbiased_weight_max_two_sided", q},
                                                     {"unbiased_weight_max_one_sided", 1},
                                                     {"posterior_reinforce", 1}})
      CHECK_NEAR(reward_below_large_weights<T>(w, 3, true, rule), expected, tolerance);
  CHECK_NEAR(reward_below_large_weights<T>(4000, 3, true, "flip_difference"), 3 * q, tolerance * 3);
  // under the flip the output is exp(3 w / 2) times as likely: 1e32 or more than any double
  for (const char* rule : {"unbiased_weight_max_posterior", "unbiased_weight_max", "posterior_reinforce"})
    for (const double w : {50.0, 4000.0})
      CHECK_NEAR(reward_below_large_weights<T>(w, 3, false, rule), -std::exp(0.5), tolerance);
  CHECK_NEAR(reward_below_large_weights<T>(50, 3, false, "unbiased_weight_max_one_sided") / std::exp(75), -1, 5e-6);
  for (const char* rule : {"unbiased_weight_max_two_sided", "unbiased_weight_max_one_sided", "flip_difference"})
    CHECK(reward_below_large_weights<T>(4000, 3, false, rule) == -most);
  // no weight is large, but together they are
  CHECK(reward_below_large_weights<T>(50, 40, false, "unbiased_weight_max_one_sided") == -most);
}

template <class T>
void check_refusals() {
  Network<T> net({4, 3, 1}), deeper({4, 3, 3, 1}), wider({4, 5, 1}), longer({6, 3, 1});
  const auto sample = net.forward(Matrix<T>::Zero(2, 4));
  Vector<double> reward = Vector<double>::Zero(2);
  uwm::check_sample(net, sample, reward);
  CHECK_THROWS(ValueError, "sample must have the network's 3 layers, got 2", uwm::check_sample(deeper, sample, reward));
  CHECK_THROWS(ValueError, "layer 0 of the sample must have the network's 5 units, got 3",
               uwm::check_sample(wider, sample, reward));
  CHECK_THROWS(ValueError, "sample must have the network's 6 inputs, got 4", uwm::check_sample(longer, sample, reward));
  CHECK_THROWS(ValueError, "reward must have shape (2,), got (3,)",
               uwm::check_sample(net, sample, Vector<double>::Zero(3)));
  reward[1] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS(ValueError, "reward must be finite", uwm::check_sample(net, sample, reward));
  net.layers()[0].bias[0] = std::numeric_limits<T>::infinity();
  CHECK_THROWS(ValueError, "layers[0].bias", uwm::check_sample(net, sample, Vector<double>::Zero(2)));

  uwm::UnitRewards<T> t;
  uwm::Gradient<T> g;
  CHECK_THROWS(ValueError, "one array per layer (2), got 0", uwm::gradient(net, sample, t, g));
  t.resize_like(sample);
  CHECK_THROWS(ValueError, "sample must have the network's 3 layers, got 2", uwm::gradient(deeper, sample, t, g));
  CHECK_THROWS(ValueError, "layer 0 of the sample must have the network's 5 units, got 3",
               uwm::gradient(wider, sample, t, g));
  t.layers[1].resize(2, 3);
  CHECK_THROWS(ValueError, "unit rewards of layer 1 must have shape (2, 1), got (2, 3)",
               uwm::gradient(net, sample, t, g));
}

}  // namespace

TEST(the_activities_are_all_there_are) {
  for_each_network([](const auto&, const Activities& all) { CHECK_NEAR(all.probability.sum(), 1.0, 1e-12); });
}

TEST(the_exact_gradient_is_the_slope_of_the_mean_reward) {
  Network<double> net({3, 3, 2, 1}, "bernoulli", {.temperature = {0.8, 1.4, 1.1}});
  const Vector<double> x = Vector<double>::LinSpaced(3, -1, 1);
  const auto reward = [](const Vector<double>& a) { return 1 + 2 * a[0]; };
  const auto all = enumerate(net, x, reward);
  const auto g = exact_gradient(net, all);
  for (std::size_t l = 0; l < 3; ++l) {
    const auto mean_reward = [&](double move) {
      auto moved = net;
      moved.layers()[l].weight(0, 1) += move;
      const auto a = enumerate(moved, x, reward);
      return a.probability.dot(a.reward);
    };
    CHECK_NEAR(g[l].weight(0, 1), (mean_reward(1e-5) - mean_reward(-1e-5)) / 2e-5, 1e-9);
  }
}

TEST(unbiased_rules_have_the_exact_gradient_as_their_mean) {
  for (const auto& info : uwm::rule_infos()) {
    if (!info.unbiased) continue;
    const auto rule = info.make();
    for_each_network([&](const auto& net, const Activities& all) {
      const double bias = relative_bias(expected_update(net, *rule, all), exact_gradient(net, all));
      if (!(bias < 1e-9))
        check::fail(__FILE__, __LINE__, info.name, " with ", net.output().name(), " output has bias ", bias);
    });
  }
}

TEST(so_is_their_gradient_with_respect_to_the_input) {
  for (const auto& info : uwm::rule_infos()) {
    if (!info.unbiased) continue;
    const auto rule = info.make();
    for_each_network([&](const auto& net, const Activities& all) {
      const Vector<double> exact = exact_input_gradient(net, all);
      const double bias = (expected_input_gradient(net, *rule, all) - exact).norm() / exact.norm();
      if (!(bias < 1e-9))
        check::fail(__FILE__, __LINE__, info.name, " with ", net.output().name(), " output has bias ", bias);
    });
  }
}

TEST(the_exact_gradient_of_the_input_is_the_slope_of_the_mean_reward) {
  Network<double> net({3, 3, 2, 1}, "bernoulli", {.temperature = {0.8, 1.4, 1.1}});
  const Vector<double> x = Vector<double>::LinSpaced(3, -1, 1);
  const auto reward = [](const Vector<double>& a) { return 1 + 2 * a[0]; };
  const auto exact = exact_input_gradient(net, enumerate(net, x, reward));
  for (Index k = 0; k < 3; ++k) {
    const auto mean_reward = [&](double move) {
      const auto a = enumerate(net, x + move * Vector<double>::Unit(3, k), reward);
      return a.probability.dot(a.reward);
    };
    CHECK_NEAR(exact[k], (mean_reward(1e-5) - mean_reward(-1e-5)) / 2e-5, 1e-9);
  }
}

TEST(the_gradient_of_the_input_is_its_equation) {
  for (const auto& sizes : {std::vector<Index>{5, 3}, {5, 40, 3}, {5, 40, 30, 3}})
    for (const char* output : {"bernoulli", "softmax", "gaussian"}) {
      NetworkOptions options;
      options.temperature = {0.7};
      Network<double> net(sizes, output, options);
      const auto sample = net.forward(normal_matrix<double>(6, 5, 1, 3));
      const Vector<double> reward = Vector<double>::LinSpaced(6, -1, 2);
      for (const auto& name : uwm::rule_names()) {
        const auto rule = uwm::make_rule(name);
        uwm::Gradient<double> gradient;
        Matrix<double> input;
        rule->gradient(net, sample, reward, gradient);
        uwm::input_gradient(net, sample, gradient.unit_rewards, input);
        CHECK(input == rule->input_gradient(net, sample, reward));
        const Matrix<double> delta = gradient.unit_rewards.layers[0].cwiseProduct(sample.layers[0].eligibility);
        CHECK((input - delta * net.layers()[0].weight / 0.7).norm() <= 1e-12 * input.norm());
      }
    }
}

TEST(a_gradient_of_the_input_that_is_too_large_is_refused) {
  Network<float> net({2, 3, 1});
  const auto sample = net.forward(Matrix<float>::Ones(2, 2));
  const Vector<double> reward = Vector<double>::Constant(2, 3e38);
  for (auto& layer : net.layers()) layer.weight.setConstant(1e6f);
  CHECK_THROWS(ValueError, "the gradient of the input is out of range",
               uwm::Reinforce().input_gradient(net, sample, reward));
  CHECK_THROWS(ValueError, "reward must have shape (2,), got (3,)",
               uwm::Reinforce().input_gradient(net, sample, Vector<double>::Zero(3)));
  Network<float> wider({4, 3, 1});
  CHECK_THROWS(ValueError, "sample must have the network's 4 inputs, got 2",
               uwm::Reinforce().input_gradient(wider, sample, reward));
  uwm::UnitRewards<float> none;
  Matrix<float> out;
  CHECK_THROWS(ValueError, "one array per layer (2), got 0", uwm::input_gradient(net, sample, none, out));
}

TEST(biased_rules_do_not) {
  for (const auto& info : uwm::rule_infos()) {
    if (info.unbiased) continue;
    const auto rule = info.make();
    double most = 0;
    for_each_network([&](const auto& net, const Activities& all) {
      most = std::max(most, relative_bias(expected_update(net, *rule, all), exact_gradient(net, all)));
    });
    if (!(most > 0.01)) check::fail(__FILE__, __LINE__, info.name, " has bias ", most, " at most");
  }
}

TEST(the_output_layer_gets_the_reward_itself) {
  Network<float> net({4, 5, 3, 2});
  const auto sample = net.forward(normal_matrix<float>(6, 4, 1, 3));
  const Vector<double> reward = Vector<double>::LinSpaced(6, -1, 1);
  for (const auto& name : uwm::rule_names()) {
    const auto rule = uwm::make_rule(name);
    CHECK(rule->name() == name);
    uwm::UnitRewards<float> t;
    rule->unit_rewards(net, sample, reward, t);
    CHECK(t.layers.size() == 3);
    for (std::size_t l = 0; l < 3; ++l)
      CHECK(t.layers[l].rows() == 6 && t.layers[l].cols() == net.sizes()[l + 1] && t.layers[l].allFinite());
    for (Index k = 0; k < 2; ++k) CHECK(t.layers[2].col(k) == reward.cast<float>());
  }
}

TEST(weight_max_and_straight_through_are_their_equations) {
  for (const Units units : {Units::binary, Units::bipolar}) {
    Network<double> net({4, 5, 3, 2}, "bernoulli", {.units = units, .temperature = {1, 1, 0.5}});
    set_parameters(net, 1, 5);
    const auto sample = net.forward(normal_matrix<double>(6, 4, 1, 3));
    const Vector<double> reward = Vector<double>::LinSpaced(6, -1, 2);
    for (const double norm : {1.0, 2.0, 3.5}) {
      uwm::UnitRewards<double> wm, ste;
      CHECK(uwm::WeightMax(norm).norm() == norm);
      uwm::WeightMax(norm).unit_rewards(net, sample, reward, wm);
      uwm::StraightThrough().unit_rewards(net, sample, reward, ste);
      for (Index s = 0; s < 6; ++s)
        for (Index i = 0; i < 3; ++i) {
          double sum = 0, through = 0;
          for (Index j = 0; j < 2; ++j) {
            const double w = net.layers()[2].weight(j, i) / 0.5, delta = reward[s] * sample.layers[2].eligibility(s, j);
            sum += std::copysign(std::pow(std::abs(w), norm - 1), w) * delta;
            through += w * delta;
          }
          const auto& layer = sample.layers[1];
          CHECK_NEAR(wm.layers[1](s, i), layer.activation(s, i) * sum, 1e-12);
          const double c = layer.activation(s, i) > 0 ? 1 : -1;
          CHECK_NEAR(ste.layers[1](s, i), c * layer.likelihood(s, i) * through * (units == Units::bipolar ? 2 : 1),
                     1e-12);
        }
    }
  }
}

TEST(float_follows_double) {
  for (const char* output : {"bernoulli", "softmax", "gaussian"}) {
    Network<float> net({10, 64, 100, 3}, output, {.units = Units::bipolar});
    const auto sample = net.forward(normal_matrix<float>(7, 10, 1, 3));
    const auto wide_net = net.cast<double>();
    std::vector<Matrix<double>> activations;
    for (const auto& layer : sample.layers) activations.push_back(layer.activation.cast<double>());
    const auto wide_sample = wide_net.clamp(sample.input.cast<double>(), activations);
    const Vector<double> reward = Vector<double>::LinSpaced(7, -1, 1);
    for (const auto& name : uwm::rule_names()) {
      uwm::UnitRewards<float> t;
      uwm::UnitRewards<double> wide;
      uwm::make_rule(name)->unit_rewards(net, sample, reward, t);
      uwm::make_rule(name)->unit_rewards(wide_net, wide_sample, reward, wide);
      for (std::size_t l = 0; l < 3; ++l) {
        const double error = (t.layers[l].cast<double>() - wide.layers[l]).norm() / wide.layers[l].norm();
        if (!(error < 1e-4)) check::fail(__FILE__, __LINE__, name, " differs by ", error, " in layer ", l);
      }
    }
  }
}

TEST(extreme_weights_give_finite_rewards) {
  for (const char* output : {"bernoulli", "softmax", "gaussian"})
    for (const double scale : {30.0, 1e4}) {
      Network<float> net({3, 40, 30, 2}, output);
      set_parameters(net, scale, 3);
      const auto sample = net.forward(normal_matrix<float>(5, 3, 1, 3));
      const Vector<double> reward = Vector<double>::LinSpaced(5, -1, 1);
      for (const auto& name : uwm::rule_names()) {
        uwm::UnitRewards<float> t;
        uwm::make_rule(name)->unit_rewards(net, sample, reward, t);
        for (const auto& layer : t.layers) CHECK(layer.allFinite());
      }
    }
}

TEST(unbiased_rules_stay_so_beyond_the_range_of_the_kernels) {
  for (const Setting output : {Setting{"bernoulli", 2}, {"softmax", 3}, {"gaussian", 1}})
    for (const Units units : {Units::binary, Units::bipolar}) {
      Network<double> net({3, 3, 2, output.n_out}, output.output, {.units = units, .temperature = {0.8, 1.4, 1.1}});
      set_parameters(net, 1, 5);
      net.layers()[1].weight(0, 1) = 600;
      net.layers()[1].bias[0] = -250;
      const auto all = enumerate(net, Vector<double>::LinSpaced(3, -1, 1),
                                 [](const Vector<double>& a) { return std::cos(1 + a.sum()) + 2 * a[0]; });
      for (const char* name : {"unbiased_weight_max_posterior", "unbiased_weight_max", "unbiased_weight_max_two_sided",
                               "unbiased_weight_max_one_sided", "posterior_reinforce"}) {
        const double bias = relative_bias(expected_update(net, *uwm::make_rule(name), all), exact_gradient(net, all));
        if (!(bias < 1e-9)) check::fail(__FILE__, __LINE__, name, " with ", output.output, " output has bias ", bias);
      }
    }
}

TEST(the_slow_arithmetic_says_what_the_kernels_say) {
  for (const char* output : {"bernoulli", "softmax", "gaussian"})
    for (const Units units : {Units::binary, Units::bipolar}) {
      check_slow_arithmetic<float>(output, units, 1e-5);
      check_slow_arithmetic<double>(output, units, 1e-12);
    }
}

TEST(large_weights_give_the_rewards_of_the_table) {
  check_large_weights<float>(1e-6);
  check_large_weights<double>(1e-12);
}

TEST(rules_are_found_by_name) {
  std::set<std::string> names;
  for (const auto& info : uwm::rule_infos()) {
    names.insert(info.name);
    for (const auto& alias : info.aliases) CHECK(uwm::rule_info(alias).name == info.name);
  }
  CHECK(names.size() == uwm::rule_infos().size());
  CHECK_THROWS(ValueError, "rule must be one of reinforce, ste, weight_max", uwm::make_rule("backprop"));
  CHECK(uwm::UnbiasedWeightMax().form() == uwm::FlipForm::blended);
  CHECK(uwm::UnbiasedWeightMax(uwm::FlipForm::one_sided).form() == uwm::FlipForm::one_sided);
  CHECK(uwm::Reinforce().name() == "reinforce");
  for (const double norm :
       {0.5, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK_THROWS(ValueError, "norm must be at least 1", uwm::WeightMax(norm));
}

TEST(samples_and_rewards_that_do_not_fit_are_refused) {
  check_refusals<float>();
  check_refusals<double>();
}

TEST(a_rules_gradient_is_the_update_of_its_unit_rewards) {
  Network<double> net({4, 3, 2, 1});
  const auto sample = net.forward(normal_matrix<double>(5, 4, 1, 1));
  const Vector<double> reward = normal_matrix<double>(5, 1, 1, 2);
  const uwm::UnbiasedWeightMax rule;
  uwm::UnitRewards<double> t;
  uwm::Gradient<double> by_hand, again;
  rule.unit_rewards(net, sample, reward, t);
  uwm::gradient(net, sample, t, by_hand);
  rule.gradient(net, sample, reward, again);
  const auto g = rule.gradient(net, sample, reward);
  CHECK(g.layers.size() == 3);
  for (std::size_t l = 0; l < 3; ++l) {
    CHECK(g.layers[l].weight == by_hand.layers[l].weight && g.layers[l].bias == by_hand.layers[l].bias);
    CHECK(again.layers[l].weight == g.layers[l].weight && again.unit_rewards.layers[l] == t.layers[l]);
  }

  const Network<double> other({4, 3, 1});
  CHECK_THROWS(ValueError, "the network's 2 layers, got 3", rule.gradient(other, sample, reward));
  CHECK_THROWS(ValueError, "reward must have shape (5,), got (2,)",
               rule.gradient(net, sample, Vector<double>::Zero(2)));
  CHECK_THROWS(ValueError, "reward must be finite",
               rule.gradient(net, sample, Vector<double>::Constant(5, std::numeric_limits<double>::infinity())));
  Network<float> narrow({4, 3, 1});
  CHECK_THROWS(ValueError, "within the range of float32",
               rule.gradient(narrow, narrow.forward(Matrix<float>::Zero(1, 4)), Vector<double>::Constant(1, 1e300)));
}

TEST(a_sample_of_another_kind_of_units_is_refused) {
  Network<double> net({4, 3, 2}), bipolar({4, 3, 2}, "bernoulli", {.units = uwm::Units::bipolar}),
      softmax({4, 3, 2}, "softmax");
  const Matrix<double> x = Matrix<double>::Zero(2, 4);
  const Vector<double> reward = Vector<double>::Zero(2);
  const uwm::Reinforce rule;
  CHECK_THROWS(ValueError, "sample must have the network's binary units, got bipolar ones",
               rule.gradient(net, bipolar.forward(x), reward));
  CHECK_THROWS(ValueError, "sample must have the network's bernoulli output, got softmax",
               rule.gradient(net, softmax.forward(x), reward));
}

TEST(a_gradient_has_the_shape_of_its_network) {
  const Network<float> net({4, 3, 1});
  uwm::Gradient<float> g;
  g.resize_like(net);
  CHECK(g.layers.size() == 2 && g.layers[0].weight.rows() == 3 && g.layers[0].weight.cols() == 4 &&
        g.layers[1].bias.size() == 1);
}
