#include <limits>
#include <numbers>

#include "check.hpp"
#include "fixture.hpp"
#include "uwm/checkpoint.hpp"
#include "uwm/error.hpp"
#include "uwm/output.hpp"
#include "uwm/rules.hpp"

using namespace fixture;
using uwm::Network;
using uwm::ValueError;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double word(std::uint64_t seed, std::uint64_t step, Index sample, Index unit) {
  return uwm::uniform(uwm::random_word({seed, step}, uwm::Stream::activations, 0, static_cast<std::uint32_t>(sample),
                                       static_cast<std::uint32_t>(unit)));
}

/// The kind by its own flip_ratio and by the one that every kind has; with weights of 200 the softmax kernel is left.
template <class T, class Built>
void check_flip_ratio(double tolerance) {
  const auto kind = std::make_shared<Built>();
  for (const double scale : {0.8, 200.0}) {
    if (scale > 1 && kind->name() == "gaussian") continue;  // ratios beyond any number
    Network<T> built({3, 6, 4}, kind), plain({3, 6, 4}, std::make_shared<Plain<T, Built>>());
    for (Network<T>* net : {&built, &plain}) {
      set_parameters(*net, 0.8, 3);
      net->layers()[1].weight *= T(scale / 0.8);
    }
    const auto x = normal_matrix<T>(9, 3, 1, 8);
    const auto a = built.forward(x), b = plain.forward(x);
    CHECK(a.output() == b.output() && !plain.output().independent_units());
    const Vector<double> reward = Vector<double>::LinSpaced(9, -1, 1);
    for (const char* rule : {"unbiased_weight_max_posterior", "posterior_reinforce"}) {
      uwm::UnitRewards<T> ta, tb;
      uwm::make_rule(rule)->unit_rewards(built, a, reward, ta);
      uwm::make_rule(rule)->unit_rewards(plain, b, reward, tb);
      const double error = (ta.layers[0] - tb.layers[0]).norm() / ta.layers[0].norm();
      if (!(error < tolerance)) check::fail(__FILE__, __LINE__, rule, " with ", kind->name(), " differs by ", error);
    }
  }
}

/// The difference of two log-likelihoods of the action (0, 1, 0), whatever the constant is.
template <class T>
double difference(const uwm::Output<T>& output, const std::vector<double>& z, const std::vector<double>& other) {
  const std::vector<T> action = {0, 1, 0};
  return output.log_likelihood(z, action) - output.log_likelihood(other, action);
}

template <class T>
void check_log_likelihoods() {
  const std::vector<double> z = {0.3, -1.2, 2.0}, other = {0.1, 0.4, -0.6}, action = {0, 1, 0};
  double bernoulli = 0, normal = 0, total_z = 0, total_other = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const double s = action[k] > 0 ? 1 : -1;
    bernoulli += std::log1p(std::exp(-s * other[k])) - std::log1p(std::exp(-s * z[k]));
    total_z += std::exp(z[k]);
    total_other += std::exp(other[k]);
    normal += ((action[k] - other[k]) * (action[k] - other[k]) - (action[k] - z[k]) * (action[k] - z[k])) / (2 * 4.0);
  }
  const double softmax = z[1] - std::log(total_z) - other[1] + std::log(total_other);
  CHECK_NEAR(difference<T>(uwm::BernoulliOutput<T>(), z, other), bernoulli, 1e-14);
  CHECK_NEAR(difference<T>(uwm::SoftmaxOutput<T>(), z, other), softmax, 1e-14);
  CHECK_NEAR(difference<T>(uwm::GaussianOutput<T>(2.0), z, other), normal, 1e-14);
}

template <class T>
void check_sizes_and_actions() {
  CHECK_THROWS(ValueError, "a softmax output must have at least 2 units, got 1", uwm::SoftmaxOutput<T>().check_size(1));
  uwm::SoftmaxOutput<T>().check_size(2);
  uwm::BernoulliOutput<T>().check_size(1);
  uwm::GaussianOutput<T>().check_size(1);
  Matrix<T> a(2, 3);
  a << 1, 0, 0, 0, 0, 1;
  uwm::SoftmaxOutput<T>().check_actions(a);
  uwm::BernoulliOutput<T>().check_actions(a);
  for (const double bad : {0.5, 1.0, -1.0, not_a_number}) {
    a(0, 1) = T(bad);
    CHECK_THROWS(ValueError, "must be one-hot", uwm::SoftmaxOutput<T>().check_actions(a));
    if (bad != 1) CHECK_THROWS(ValueError, "must be 0 or 1", uwm::BernoulliOutput<T>().check_actions(a));
  }
  CHECK_THROWS(ValueError, "must be one-hot", uwm::SoftmaxOutput<T>().check_actions(Matrix<T>::Zero(2, 3)));
  CHECK_THROWS(ValueError, "must be finite", uwm::GaussianOutput<T>().check_actions(a));
  uwm::GaussianOutput<T>().check_actions(Matrix<T>::Constant(2, 3, T(-7.5)));
}

/// A kind called on its own does to a layer what the forward pass does.
template <class T>
void check_layer(const char* name) {
  Network<T> net({3, 5}, name, {.seed = 4});
  const auto sample = net.forward(normal_matrix<T>(6, 3, 1, 7));
  auto layer = sample.layers[0];
  for (auto* m : {&layer.activation, &layer.probability, &layer.eligibility}) m->setConstant(-9);
  net.output().draw({4, 0}, 0, layer);
  net.output().evaluate(layer);
  CHECK(layer.activation == sample.output() && layer.probability == sample.layers[0].probability &&
        layer.eligibility == sample.layers[0].eligibility);
}

}  // namespace

TEST(outputs_are_found_by_name) {
  for (const char* name : {"bernoulli", "softmax", "gaussian"}) {
    CHECK(uwm::make_output<float>(name)->name() == name);
    CHECK(uwm::make_output<double>(name)->independent_units() == (name == std::string("bernoulli")));
  }
  CHECK(
      dynamic_cast<const uwm::GaussianOutput<float>&>(*uwm::make_output<float>("gaussian", {{"sigma", 0.5}})).sigma() ==
      0.5);
  CHECK(uwm::GaussianOutput<double>().sigma() == 1.0);
  CHECK_THROWS(ValueError, "output must be 'bernoulli', 'softmax' or 'gaussian', got 'poisson'",
               uwm::make_output<float>("poisson"));
  for (const double sigma : {0.0, -1.0, not_a_number, infinity}) {
    CHECK_THROWS(ValueError, "sigma must be positive and finite",
                 uwm::make_output<double>("gaussian", {{"sigma", sigma}}));
    CHECK_THROWS(ValueError, "sigma must be positive and finite", uwm::GaussianOutput<double>(sigma));
  }
}

template <class T>
void check_info(const uwm::OutputInfo& info) {
  const auto output = info.make<T>();
  CHECK(output->info() == &info && output->name() == info.name && output->settings() == info.settings);
  CHECK(output->independent_units() == info.independent_units && output->one_hot() == info.one_hot);
  CHECK_THROWS(ValueError, " output, got 'width'", info.make<T>({{"width", 1.0}}));
}

TEST(the_registry_makes_every_kind_with_its_settings) {
  for (const uwm::OutputInfo& info : uwm::output_infos()) {
    CHECK(!info.description.empty() && &uwm::output_info(info.name) == &info);
    check_info<float>(info);
    check_info<double>(info);
  }
  CHECK(uwm::make_output<float>("gaussian", {{"sigma", 0.5}})->settings().at("sigma") == 0.5);
}

/// A kind of one's own that takes the name of a built-in one.
class Impostor final : public uwm::Output<double> {
 public:
  std::string name() const override { return "softmax"; }
  void check_size(Index) const override {}
  void check_actions(uwm::ConstMatrixRef<double>) const override {}
  void draw(const uwm::Position&, std::uint32_t, uwm::LayerSample<double>&) const override {}
  void evaluate(uwm::LayerSample<double>&) const override {}
  double log_likelihood(std::span<const double>, std::span<const double>) const override { return 0; }
};

TEST(a_kind_of_ones_own_is_never_taken_for_a_built_in_one) {
  const Network<double> net({2, 3}, std::make_shared<Impostor>());
  CHECK_THROWS(ValueError, "an output kind of your own, 'softmax', has one precision only", net.cast<float>());
  CHECK_THROWS(ValueError, "a network with an output kind of your own, 'softmax', cannot be saved",
               uwm::save("never", net));
}

TEST(impossible_sizes_and_actions_are_refused) {
  check_sizes_and_actions<float>();
  check_sizes_and_actions<double>();
}

TEST(a_kind_draws_and_evaluates_a_layer_as_the_forward_pass_does) {
  for (const char* name : {"bernoulli", "softmax", "gaussian"}) {
    check_layer<float>(name);
    check_layer<double>(name);
  }
}

TEST(softmax_draws_by_one_word_per_sample) {
  Network<double> net({3, 5}, "softmax", {.seed = 4});
  set_parameters(net, 1, 2);
  const auto sample = net.forward(normal_matrix<double>(40, 3, 1, 7));
  for (Index s = 0; s < 40; ++s) {
    const Vector<double> e = (sample.layers[0].logit.row(s).array() - sample.layers[0].logit.row(s).maxCoeff()).exp();
    Index action = 0;
    double cumulative = e[0];
    while (action < 4 && cumulative <= word(4, 0, s, 0) * e.sum()) cumulative += e[++action];
    CHECK(sample.output().row(s).sum() == 1 && sample.output()(s, action) == 1);
    for (Index k = 0; k < 5; ++k) {
      CHECK_NEAR(sample.layers[0].probability(s, k), e[k] / e.sum(), 1e-15);
      CHECK_NEAR(sample.layers[0].eligibility(s, k), (k == action) - e[k] / e.sum(), 1e-15);
    }
  }
}

TEST(gaussian_draws_in_pairs) {
  Network<double> net({3, 5}, std::make_shared<uwm::GaussianOutput<double>>(0.5), {.seed = 4});
  const auto sample = net.forward(normal_matrix<double>(4, 3, 1, 7));
  const auto& layer = sample.layers[0];
  for (Index s = 0; s < 4; ++s)
    for (Index k = 0; k < 5; ++k) {
      const Index first = k - k % 2;
      const double r = std::sqrt(-2 * std::log(word(4, 0, s, first))),
                   angle = 2 * std::numbers::pi * word(4, 0, s, first + 1);
      CHECK_NEAR(layer.activation(s, k), layer.logit(s, k) + 0.5 * r * (k % 2 ? std::sin(angle) : std::cos(angle)),
                 1e-14);
      CHECK(layer.probability(s, k) == layer.logit(s, k));
      CHECK_NEAR(layer.eligibility(s, k), (layer.activation(s, k) - layer.logit(s, k)) / 0.25, 1e-13);
    }
}

TEST(log_likelihoods_are_right_up_to_a_constant) {
  check_log_likelihoods<float>();
  check_log_likelihoods<double>();
}

TEST(the_fast_flip_ratios_equal_the_one_from_log_likelihoods) {
  check_flip_ratio<float, uwm::BernoulliOutput<float>>(2e-4);
  check_flip_ratio<float, uwm::SoftmaxOutput<float>>(2e-4);
  check_flip_ratio<float, uwm::GaussianOutput<float>>(2e-4);
  check_flip_ratio<double, uwm::BernoulliOutput<double>>(1e-11);
  check_flip_ratio<double, uwm::SoftmaxOutput<double>>(1e-11);
  check_flip_ratio<double, uwm::GaussianOutput<double>>(1e-11);
}

TEST(a_kind_of_ones_own_has_no_other_precision) {
  const Network<double> net({3, 6, 4}, std::make_shared<Plain<double, uwm::SoftmaxOutput<double>>>());
  CHECK(net.cast<double>().output().name() == "plain");
  CHECK_THROWS(ValueError, "plain", net.cast<float>());
}
