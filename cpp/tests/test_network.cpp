#include <limits>
#include <utility>

#include "check.hpp"
#include "fixture.hpp"
#include "uwm/error.hpp"
#include "uwm/network.hpp"
#include "uwm/threads.hpp"
#include "work/memory.hpp"

using namespace fixture;
using uwm::Network;
using uwm::Units;
using uwm::ValueError;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

template <class T>
void check_forward(Units units, double tolerance) {
  Network<T> net({5, 33, 17, 2}, "bernoulli", {.units = units, .temperature = {0.8, 1.25, 2.0}, .seed = 42});
  set_parameters(net, 0.7, 1);
  net.set_step(7);
  const auto x = normal_matrix<T>(3, 5, 1, 9);
  const auto sample = net.forward(x);
  CHECK(sample.batch() == 3 && sample.input == x && sample.layers.size() == 3);
  CHECK(&sample.output() == &sample.layers.back().activation);
  CHECK(&sample.below(0) == &sample.input && &sample.below(2) == &sample.layers[1].activation);
  CHECK(net.position().seed == 42 && net.position().step == 8);
  for (std::size_t l = 0; l < 3; ++l) {
    const auto& layer = sample.layers[l];
    const bool bipolar = units == Units::bipolar && l < 2;
    for (Index s = 0; s < 3; ++s) {
      for (Index j = 0; j < layer.logit.cols(); ++j) {
        double z = net.layers()[l].bias[j];
        for (Index i = 0; i < sample.below(l).cols(); ++i)
          z += double(net.layers()[l].weight(j, i)) * sample.below(l)(s, i);
        z /= net.layers()[l].temperature;
        const double p = sigmoid(z);
        const double u = uwm::uniform(uwm::random_word({42, 7}, uwm::Stream::activations, static_cast<std::uint32_t>(l),
                                                       static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(j)));
        const bool fired = u < p;
        CHECK_NEAR(layer.logit(s, j), z, tolerance * 10);
        CHECK_NEAR(layer.probability(s, j), p, tolerance);
        CHECK(layer.activation(s, j) == T(fired ? 1 : bipolar ? -1 : 0));
        CHECK_NEAR(layer.eligibility(s, j), fired - p, tolerance);
        CHECK_NEAR(layer.likelihood(s, j), fired ? p : 1 - p, tolerance);
        const double odds = fired ? std::exp(-z) : -std::exp(z);
        CHECK_NEAR(layer.odds(s, j), odds, tolerance * 10 * std::abs(odds));
      }
    }
  }
}

template <class T>
std::vector<Matrix<T>> activations(const uwm::Sample<T>& sample) {
  std::vector<Matrix<T>> all;
  for (const auto& layer : sample.layers) all.push_back(layer.activation);
  return all;
}

template <class T>
void check_clamp() {
  for (const char* output : {"bernoulli", "softmax", "gaussian"}) {
    for (const Units units : {Units::binary, Units::bipolar}) {
      Network<T> net({4, 6, 5, 3}, output, {.units = units, .temperature = {0.7, 1.0, 1.4}});
      const auto x = normal_matrix<T>(8, 4, 1, 6);
      const auto drawn = net.forward(x);
      const auto clamped = net.clamp(x, activations(drawn));
      CHECK(net.position().step == 1);
      for (std::size_t l = 0; l < 3; ++l) {
        CHECK(clamped.layers[l].logit == drawn.layers[l].logit);
        CHECK(clamped.layers[l].activation == drawn.layers[l].activation);
        CHECK(clamped.layers[l].probability == drawn.layers[l].probability);
        CHECK(clamped.layers[l].eligibility == drawn.layers[l].eligibility);
        if (l == 2 && !net.output().independent_units()) continue;
        CHECK(clamped.layers[l].likelihood == drawn.layers[l].likelihood);
        CHECK(clamped.layers[l].odds == drawn.layers[l].odds);
      }
    }
  }
}

template <class T>
void check_refusals() {
  Network<T> net({4, 3, 1}, "bernoulli", {.seed = 8});
  net.set_step(5);
  const auto before = net;
  CHECK_THROWS(ValueError, "x must have shape (batch, 4), got (2, 3)", net.forward(Matrix<T>::Zero(2, 3)));
  CHECK_THROWS(ValueError, "empty batch", net.forward(Matrix<T>::Zero(0, 4)));
  for (const double bad : {not_a_number, infinity}) {
    Matrix<T> x = Matrix<T>::Zero(2, 4);
    x(1, 2) = T(bad);
    CHECK_THROWS(ValueError, "x must be finite", net.forward(x));
    CHECK_THROWS(ValueError, "x must be finite", net.clamp(x, {Matrix<T>::Zero(2, 3), Matrix<T>::Zero(2, 1)}));
  }
  CHECK_THROWS(ValueError, "step must be below 2^48", net.set_step(uwm::max_step));
  const Matrix<T> x = Matrix<T>::Zero(2, 4), hidden = Matrix<T>::Zero(2, 3), output = Matrix<T>::Zero(2, 1);
  CHECK_THROWS(ValueError, "one array per layer (2), got 1", net.clamp(x, {hidden}));
  CHECK_THROWS(ValueError, "activations[0] must have shape (2, 3), got (1, 3)",
               net.clamp(x, {hidden.topRows(1), output}));
  CHECK_THROWS(ValueError, "activations[1] must have shape (2, 1), got (2, 3)", net.clamp(x, {hidden, hidden}));
  for (const double bad : {0.5, -1.0, not_a_number}) {
    CHECK_THROWS(ValueError, "activations[0] must be 0 or 1",
                 net.clamp(x, {Matrix<T>::Constant(2, 3, T(bad)), output}));
    CHECK_THROWS(ValueError, "must be 0 or 1", net.clamp(x, {hidden, Matrix<T>::Constant(2, 1, T(bad))}));
  }
  Network<T> bipolar({4, 3, 1}, "bernoulli", {.units = Units::bipolar});
  CHECK_THROWS(ValueError, "activations[0] must be -1 or 1 (bipolar units)", bipolar.clamp(x, {hidden, output}));
  CHECK(net.position().step == 5 && same_parameters(net, before));
}

template <class T>
void check_temperatures() {
  for (const double bad : {0.0, -1.0, not_a_number, infinity}) {
    Network<T> net({4, 3, 1});
    net.layers()[1].temperature = T(bad);
    CHECK_THROWS(ValueError, "layers[1].temperature must be positive and finite, got", net.check_finite());
    CHECK_THROWS(ValueError, "layers[1].temperature must be", net.forward(Matrix<T>::Zero(1, 4)));
    CHECK(net.position().step == 0);
  }
}

}  // namespace

TEST(a_prediction_is_the_mean_over_passes_that_are_the_same_for_every_row) {
  for (const Units units : {Units::binary, Units::bipolar}) {
    Network<double> net({3, 2, 2}, "softmax", {.units = units, .seed = 9});
    set_parameters(net, 1.0, 4);
    const auto x = normal_matrix<double>(2, 3, 1, 5);
    Matrix<double> mean = Matrix<double>::Zero(2, 2);
    for (std::uint64_t k = 0; k < 3; ++k)
      for (Index s = 0; s < 2; ++s) {
        Matrix<double> h(1, 2), out(1, 2);
        for (Index j = 0; j < 2; ++j) {
          const double z = net.layers()[0].weight.row(j).dot(x.row(s)) + net.layers()[0].bias[j];
          const double u =
              uwm::uniform(uwm::random_word({9, k}, uwm::Stream::predictions, 0, 0, static_cast<std::uint32_t>(j)));
          h(0, j) = u < sigmoid(z) ? 1 : units == Units::bipolar ? -1 : 0;
        }
        out << 1, 0;
        mean.row(s) += net.clamp(x.row(s), {h, out}).layers[1].probability / 3;
      }
    CHECK((net.mean_output(x, 3) - mean).cwiseAbs().maxCoeff() < 1e-12);
    const auto action = net.predict(x, 3);
    for (Index s = 0; s < 2; ++s) CHECK(action(s, 0) == (mean(s, 0) > mean(s, 1) ? 1 : 0));
    CHECK(net.mean_field(x).rows() == 2 && net.position().step == 0);
    CHECK_THROWS(ValueError, "passes must be at least 1", net.predict(x, 0));
  }
}

TEST(a_temperature_may_be_set) {
  Network<float> net({3, 2, 1});
  net.set_temperature(1, 2.0);
  CHECK(net.layers()[1].temperature == 2.0f);
  CHECK_THROWS(ValueError, "temperature must be positive", net.set_temperature(0, 0.0));
  CHECK_THROWS(ValueError, "layer must be below 2", net.set_temperature(2, 1.0));
}

TEST(units_have_names) {
  CHECK(uwm::to_string(Units::binary) == "binary" && uwm::to_string(Units::bipolar) == "bipolar");
  CHECK(uwm::units_from_string("binary") == Units::binary && uwm::units_from_string("bipolar") == Units::bipolar);
  CHECK_THROWS(ValueError, "units must be 'binary' or 'bipolar', got 'ternary'", uwm::units_from_string("ternary"));
}

TEST(a_network_has_what_it_was_made_with) {
  Network<float> net({20, 64, 32, 3}, "softmax", {.units = Units::bipolar, .temperature = {2.0}, .seed = 5});
  CHECK((net.sizes() == std::vector<Index>{20, 64, 32, 3}));
  CHECK(net.n_inputs() == 20 && net.n_outputs() == 3 && net.units() == Units::bipolar);
  CHECK(net.output().name() == "softmax" && net.shared_output().get() == &net.output());
  CHECK(net.position().seed == 5 && net.position().step == 0);
  CHECK(net.layers().size() == 3);
  for (std::size_t l = 0; l < 3; ++l) {
    const auto& layer = std::as_const(net).layers()[l];
    CHECK(layer.temperature == 2.0f && layer.bias == Vector<float>::Zero(net.sizes()[l + 1]));
    CHECK(layer.weight.rows() == net.sizes()[l + 1] && layer.weight.cols() == net.sizes()[l]);
  }
}

TEST(initial_weights_with_a_gain_are_glorot_uniform_and_follow_from_the_seed) {
  Network<double> net({6, 10, 3}, "bernoulli", {.seed = 0x123456789u, .initial_gain = {2.0}});
  const double bound = 2 * std::sqrt(6.0 / 16);
  for (Index j = 0; j < 10; ++j)
    for (Index i = 0; i < 6; ++i) {
      const double u = uwm::uniform(uwm::random_word({0x123456789u, 0}, uwm::Stream::parameters, 0,
                                                     static_cast<std::uint32_t>(j), static_cast<std::uint32_t>(i)));
      CHECK_NEAR(net.layers()[0].weight(j, i), bound * (2 * u - 1), 1e-15);
    }
  Network<double> other({6, 10, 3}, "bernoulli", {.seed = 1, .initial_gain = {2.0}});
  CHECK(!same_parameters(net, other));
  net.set_step(12);
  net.reset(1);
  CHECK(same_parameters(net, other) && net.position().seed == 1 && net.position().step == 0);
}

/// The root of the mean square of a layer's logits over random inputs of size 1.
template <class T>
double logit_size(Network<T>& net, std::size_t layer) {
  Matrix<T> x(2000, net.n_inputs());
  for (Index s = 0; s < x.rows(); ++s)
    for (Index i = 0; i < x.cols(); ++i)
      x(s, i) = uwm::random_word({3, 0}, uwm::Stream::task_inputs, 0, static_cast<std::uint32_t>(s),
                                 static_cast<std::uint32_t>(i)) >>
                        31
                    ? T(1)
                    : T(-1);
  const auto sample = net.forward(x);
  return std::sqrt(static_cast<double>(sample.layers[layer].logit.array().square().mean()));
}

TEST(automatic_logits_have_the_same_size_at_every_width_and_temperature) {
  for (const Index n : {Index{30}, Index{300}})
    for (const Units units : {Units::binary, Units::bipolar})
      for (const double temperature : {1.0, 4.0}) {
        Network<float> net({20, n, n, n, 20}, "softmax", {.units = units, .temperature = {temperature}, .seed = 5});
        for (std::size_t l = 0; l < 3; ++l) CHECK_NEAR(logit_size(net, l), 3.0, 0.6);
        CHECK_NEAR(logit_size(net, 3), 0.3, 0.1);
      }
}

TEST(automatic_weights_above_the_first_layer_begin_as_copies) {
  const Network<double> net({8, 6, 9, 1}, "bernoulli", {.seed = 2});
  const auto& w = net.layers()[1].weight;
  for (Index j = 0; j < 9; ++j) {
    CHECK(w(j, j % 6) > 2 * 3 * std::sqrt(0.75) - 3);
    CHECK_NEAR(net.layers()[1].bias(j), -0.5 * w.row(j).sum(), 1e-12);
  }
  CHECK(net.layers()[0].bias.isZero());
}

TEST(bad_arguments_of_a_network_are_refused) {
  using Net = Network<float>;
  CHECK_THROWS(ValueError, "initial_gain must be one number or one per layer (2), got 3",
               Net({3, 2, 1}, "bernoulli", {.initial_gain = {1, 1, 1}}));
  CHECK_THROWS(ValueError, "initial_gain must be from 0 to 1e+06, got -1",
               Net({3, 2, 1}, "bernoulli", {.initial_gain = {-1}}));
  CHECK_THROWS(ValueError, "sizes must hold at least 2 numbers", Net({}));
  CHECK_THROWS(ValueError, "sizes must hold at least 2 numbers", Net({3}));
  CHECK_THROWS(ValueError, "got 0", Net({3, 0, 1}));
  CHECK_THROWS(ValueError, "got -4", Net({-4, 1}));
  CHECK_THROWS(ValueError, "between 1 and 2^30", Net({(Index{1} << 30) + 1, 1}));
  CHECK_THROWS(ValueError, "sizes must hold at most 4096 numbers, got 4098", Net(std::vector<Index>(4098, 1)));
  CHECK_THROWS(ValueError, "got 'tanh'", Net({3, 1}, "tanh"));
  CHECK_THROWS(ValueError, "at least 2 units", Net({3, 1}, "softmax"));
  CHECK_THROWS(ValueError, "must not be null", Net({3, 1}, std::shared_ptr<const uwm::Output<float>>()));
  CHECK_THROWS(ValueError, "one number or one per layer (2), got 3",
               Net({3, 2, 1}, "bernoulli", {.temperature = {1, 1, 1}}));
  CHECK_THROWS(ValueError, "one number or one per layer (2), got 0", Net({3, 2, 1}, "bernoulli", {.temperature = {}}));
  for (const double t : {0.0, -1.0, not_a_number, infinity})
    CHECK_THROWS(ValueError, "temperatures must be positive and finite",
                 Net({3, 1}, "bernoulli", {.temperature = {t}}));
  for (const double t : {1e-60, 1e60, 1e-42, 3e38}) {  // what a float cannot hold, or not divide by
    CHECK_THROWS(ValueError, "temperatures must be from", Net({3, 1}, "bernoulli", {.temperature = {t}}));
    CHECK_THROWS(ValueError, "temperature must be from",
                 Network<double>({3, 1}, "bernoulli", {.temperature = {t}}).cast<float>());
  }
  CHECK_THROWS(ValueError, "sigma must be from", uwm::GaussianOutput<float>(1e-30));
  Net steep({1, 1});
  steep.layers()[0].weight.setConstant(3e38f);
  CHECK_THROWS(ValueError, "a logit of layer 0 is out of range", steep.forward(Matrix<float>::Constant(1, 1, 1e10f)));
  CHECK(steep.position().step == 0);
}

TEST(forward_draws_what_the_random_words_say) {
  check_forward<float>(Units::binary, 1e-6);
  check_forward<float>(Units::bipolar, 1e-6);
  check_forward<double>(Units::binary, 1e-14);
  check_forward<double>(Units::bipolar, 1e-14);
}

TEST(draws_do_not_depend_on_the_batch_around_them) {
  Network<double> net({4, 100, 3}, "softmax", {.seed = 3});
  const auto x = normal_matrix<double>(9, 4, 1, 2);
  auto whole = net;
  const auto all = whole.forward(x);
  const auto first = net.forward(x.topRows(2));
  for (std::size_t l = 0; l < 2; ++l) CHECK(all.layers[l].activation.topRows(2) == first.layers[l].activation);
}

TEST(a_sample_can_be_used_again) {
  Network<float> net({4, 8, 1}), same({4, 8, 1});
  uwm::Sample<float> sample;
  for (const Index batch : {5, 2, 7}) {
    const auto x = normal_matrix<float>(batch, 4, 1, 2);
    net.forward(x, sample);
    const auto fresh = same.forward(x);
    CHECK(sample.batch() == batch && sample.layers[0].activation == fresh.layers[0].activation);
    CHECK(sample.output() == fresh.output());
  }
}

TEST(clamp_makes_the_sample_that_forward_made) {
  check_clamp<float>();
  check_clamp<double>();
}

TEST(bad_inputs_are_refused_and_change_nothing) {
  check_refusals<float>();
  check_refusals<double>();
}

TEST(parameters_that_are_not_finite_are_named) {
  for (const double bad : {not_a_number, infinity, -infinity}) {
    Network<double> net({4, 3, 1});
    net.check_finite();
    net.layers()[1].bias[0] = bad;
    CHECK_THROWS(ValueError, "layers[1].bias must be finite", net.check_finite());
    net.layers()[0].weight(2, 1) = bad;
    CHECK_THROWS(ValueError, "layers[0].weight must be finite", net.check_finite());
    CHECK_THROWS(ValueError, "layers[0].weight must be finite", net.forward(Matrix<double>::Zero(1, 4)));
    CHECK_THROWS(ValueError, "layers[0].weight must be finite",
                 net.clamp(Matrix<double>::Zero(1, 4), {Matrix<double>::Zero(1, 3), Matrix<double>::Zero(1, 1)}));
    CHECK(net.position().step == 0);
  }
}

TEST(parameters_of_a_wrong_shape_are_named) {
  Network<double> net({4, 3, 1});
  net.layers()[0].weight.setZero(2, 4);
  const char* wrong_weight = "layers[0].weight and bias must have shapes (3, 4) and (3,), got (2, 4) and (3,)";
  CHECK_THROWS(ValueError, wrong_weight, net.forward(Matrix<double>::Zero(1, 4)));
  net.reset(1);
  net.layers()[0].weight.setZero(3, 4);
  net.layers()[1].bias.setZero(2);
  CHECK_THROWS(ValueError, "layers[1].weight and bias must have shapes (1, 3) and (1,), got (1, 3) and (2,)",
               net.check_finite());
  net.layers().pop_back();
  CHECK_THROWS(ValueError, "the network must have 2 layers, got 1", net.check_finite());
}

TEST(a_temperature_that_became_impossible_is_named) {
  check_temperatures<float>();
  check_temperatures<double>();
}

TEST(the_step_goes_round_at_its_end) {
  Network<float> net({1, 1});
  net.set_step(uwm::max_step - 1);
  net.forward(Matrix<float>::Zero(1, 1));
  CHECK(net.position().step == 0);
}

TEST(cast_keeps_parameters_and_position) {
  Network<float> net({4, 3, 2}, "gaussian", {.units = Units::bipolar, .temperature = {0.7, 1.0}, .seed = 6});
  net.set_step(11);
  const auto wide = net.cast<double>();
  CHECK(wide.sizes() == net.sizes() && wide.units() == net.units() && wide.output().name() == "gaussian");
  CHECK(wide.position().seed == 6 && wide.position().step == 11);
  CHECK(wide.layers()[0].weight == net.layers()[0].weight.cast<double>());
  CHECK(same_parameters(net, wide.cast<float>()));
  CHECK(same_parameters(wide, wide.cast<double>()));
  CHECK(same_parameters(net, net.cast<float>()));
  CHECK(net.cast<float>().shared_output() == net.shared_output() &&
        wide.cast<double>().shared_output() == wide.shared_output());
  const Network<double> narrow({2, 1}, std::make_shared<uwm::GaussianOutput<double>>(0.25));
  CHECK(dynamic_cast<const uwm::GaussianOutput<float>&>(narrow.cast<float>().output()).sigma() == 0.25);
}

TEST(a_copy_of_a_sample_shares_no_threads) {
  Network<float> net({4, 8, 1});
  uwm::Threads threads(1);
  auto sample = net.forward(normal_matrix<float>(5, 4, 1, 2));
  sample.work.use(&threads);
  CHECK(sample.work.memory().scratch.size() > 0);
  uwm::Sample<float> copy(sample), assigned;
  assigned = sample;
  for (auto* s : {&copy, &assigned})
    CHECK(s->output() == sample.output() && s->work.threads() == nullptr && s->work.memory().scratch.size() == 0);
}

TEST(a_flip_moves_a_logit_by_one_or_two_weights_over_the_temperature) {
  CHECK(Network<double>({2, 2, 1}, "bernoulli", {.temperature = {1, 4}}).flip_step(1) == 0.25);
  CHECK(Network<double>({2, 2, 1}, "bernoulli", {.units = Units::bipolar, .temperature = {1, 4}}).flip_step(1) == 0.5);
}

TEST(large_logits_and_layers_stay_finite) {
  Network<float> net({3, 4096, 4096, 1});
  for (auto& layer : net.layers()) layer.weight *= 1e4f;
  const auto sample = net.forward(Matrix<float>::Ones(2, 3));
  for (const auto& layer : sample.layers) {
    CHECK(layer.logit.allFinite() && layer.probability.allFinite() && layer.eligibility.allFinite());
    CHECK(layer.likelihood.allFinite() && (layer.likelihood.array() > 0).all());
  }
}
