#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#include "check.hpp"
#include "kernels/kernels.hpp"
#include "uwm/random.hpp"

using namespace uwm::kernels;
using uwm::FlipForm;

namespace {

constexpr Size odd_sizes[] = {1, 3, 17, 33, 100};

/// Levels of this build that this machine runs.
std::vector<const Level*> machine_levels() {
  std::size_t count = 0;
  const Level* const* all = levels(count);
  std::vector<const Level*> supported;
  for (std::size_t i = 0; i < count; ++i)
    if (all[i]->supported()) supported.push_back(all[i]);
  return supported;
}

template <class T>
const Kernels<T>& table(const Level& level) {
  if constexpr (sizeof(T) == 4)
    return *level.f32;
  else
    return *level.f64;
}

template <class T>
constexpr double epsilon = sizeof(T) == 4 ? 1.2e-7 : 2.3e-16;

/// Numbers with a guard on both sides: a kernel that writes outside is caught.
template <class T>
class Guarded {
 public:
  explicit Guarded(Size n) : numbers_(static_cast<std::size_t>(n + 2 * margin), guard) {}
  Guarded(Size n, const std::function<double(Size)>& value) : Guarded(n) {
    for (Size i = 0; i < n; ++i) data()[i] = static_cast<T>(value(i));
  }
  T* data() { return numbers_.data() + margin; }
  const T* data() const { return numbers_.data() + margin; }
  T operator[](Size i) const { return data()[i]; }
  Size size() const { return static_cast<Size>(numbers_.size()) - 2 * margin; }
  bool intact() const {
    for (Size i = 0; i < margin; ++i)
      if (data()[-1 - i] != guard || data()[size() + i] != guard) return false;
    return true;
  }

 private:
  static constexpr Size margin = 16;
  static constexpr T guard = T(-12345.5);
  std::vector<T> numbers_;
};

template <class T>
Guarded<T> normal(Size n, double scale, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> distribution(0, scale);
  return Guarded<T>(n, [&](Size) { return distribution(generator); });
}

double sigmoid(double z) { return z < 0 ? std::exp(z) / (1 + std::exp(z)) : 1 / (1 + std::exp(-z)); }

/// Runs a check for both precisions at every level.
#define AT_EVERY_LEVEL(name)                      \
  TEST(name##_agrees_with_plain_loops) {          \
    for (const Level* level : machine_levels()) { \
      name<float>(*level);                        \
      name<double>(*level);                       \
    }                                             \
  }

template <class T>
void units(const Level& level) {
  for (const Size n : odd_sizes)
    for (const double scale : {1.0, 20.0})
      for (const bool bipolar : {false, true}) {
        const auto z = normal<T>(n, scale, static_cast<unsigned>(n));
        std::vector<std::uint32_t> words(static_cast<std::size_t>((n + words_block - 1) / words_block * words_block));
        level.words({.seed = 5, .step = 6, .stream = 0, .layer = 1, .sample = 2, .samples = 1, .first = 0, .n = n},
                    words.data());
        Guarded<T> h(n), p(n), e(n), q(n), odds(n);
        table<T>(level).draw(n, z.data(), words.data(), bipolar, {h.data(), p.data(), e.data(), q.data(), odds.data()});
        const double tolerance = 40 * epsilon<T>;
        for (Size i = 0; i < n; ++i) {
          const double s = sigmoid(z[i]), u = uwm::uniform(words[static_cast<std::size_t>(i)]);
          // Between the exact probability and the kernel's lies no random number, or the draw is not compared.
          if (std::abs(u - s) > tolerance * s) CHECK((h[i] > 0) == (u < s));
          const bool fired = h[i] > 0;
          CHECK(h[i] == T(fired ? 1 : bipolar ? -1 : 0));
          CHECK_NEAR(p[i], s, tolerance * s);
          const double taken = fired ? s : sigmoid(-double(z[i])), not_taken = fired ? sigmoid(-double(z[i])) : s;
          CHECK_NEAR(q[i], taken, tolerance * taken);
          CHECK_NEAR(std::abs(e[i]), not_taken, tolerance * not_taken);
          CHECK_NEAR(std::abs(odds[i]), not_taken / taken, tolerance * not_taken / taken);
          CHECK(std::signbit(e[i]) == !fired && std::signbit(odds[i]) == !fired);
        }
        Guarded<T> p2(n), e2(n), q2(n), odds2(n);
        const auto h2 = h;
        table<T>(level).evaluate(n, z.data(), bipolar, {h.data(), p2.data(), e2.data(), q2.data(), odds2.data()});
        for (Size i = 0; i < n; ++i)
          CHECK(h[i] == h2[i] && p[i] == p2[i] && e[i] == e2[i] && q[i] == q2[i] && odds[i] == odds2[i]);
        CHECK(h.intact() && p.intact() && e.intact() && q.intact() && odds.intact());
        CHECK(p2.intact() && e2.intact() && q2.intact() && odds2.intact());
      }
}

template <class T>
void saturated_units(const Level& level) {
  // The action that was not drawn may be too unlikely for a float: nothing becomes NaN or infinite.
  const Guarded<T> z(4, [](Size i) { return i < 2 ? 1e4 : -1e4; });
  Guarded<T> h(4, [](Size i) { return i % 2; }), p(4), e(4), q(4), odds(4);
  table<T>(level).evaluate(4, z.data(), false, {h.data(), p.data(), e.data(), q.data(), odds.data()});
  for (Size i = 0; i < 4; ++i) {
    CHECK(std::isfinite(p[i]) && std::isfinite(e[i]) && std::isfinite(q[i]) && std::isfinite(odds[i]));
    CHECK(std::signbit(e[i]) == (i % 2 == 0) && q[i] > 0 && p[i] > 0);
  }
}

template <class T>
void multiply(const Level& level) {
  struct Strides {
    bool a_transposed, b_transposed;
  };
  for (const Size m : odd_sizes)
    for (const Size n : odd_sizes)
      for (const Size k : {Size{1}, Size{3}, Size{17}, Size{100}, Size{300}})
        for (const Strides strides : {Strides{false, false}, {false, true}, {true, false}, {true, true}})
          for (const bool with_bias : {false, true}) {
            const auto a = normal<T>(m * k, 1, 1), b = normal<T>(k * n, 1, 2), bias = normal<T>(n, 1, 3);
            Guarded<T> c(m * n);
            const Size a_row = strides.a_transposed ? 1 : k, a_column = strides.a_transposed ? m : 1;
            const Size b_row = strides.b_transposed ? 1 : n, b_column = strides.b_transposed ? k : 1;
            uwm::kernels::Product<T> product = {.m = m,
                                                .n = n,
                                                .k = k,
                                                .all_rows = m,
                                                .a = a.data(),
                                                .a_row = a_row,
                                                .a_column = a_column,
                                                .b = b.data(),
                                                .b_row = b_row,
                                                .b_column = b_column,
                                                .c = c.data(),
                                                .c_row = n,
                                                .alpha = T(0.75),
                                                .bias = with_bias ? bias.data() : nullptr,
                                                .scratch = nullptr};
            Guarded<T> scratch(table<T>(level).product_scratch(product));
            product.scratch = scratch.data();
            table<T>(level).multiply(product);
            for (Size r = 0; r < m; ++r)
              for (Size j = 0; j < n; ++j) {
                double sum = with_bias ? double(bias[j]) : 0, size = std::abs(sum);
                for (Size d = 0; d < k; ++d) {
                  const double term = double(a[r * a_row + d * a_column]) * b[d * b_row + j * b_column];
                  sum += term;
                  size += std::abs(term);
                }
                CHECK_NEAR(c[r * n + j], 0.75 * sum, 20 * epsilon<T> * size);
              }
            CHECK(c.intact() && scratch.intact());
          }
}

/// Two layers of so many units, with random numbers as they come to the kernel, and what it makes of them.
template <class T>
struct FlipCase {
  static constexpr double step = 2.0;

  const Size batch, n_upper, n_lower;
  // Small weights, so that the sums of many terms stay well-conditioned.
  const Guarded<T> weight = normal<T>(n_upper * n_lower, 1 / std::sqrt(static_cast<double>(n_upper)), 1);
  const Guarded<T> upper_z = normal<T>(batch * n_upper, 1, 2), lower_z = normal<T>(batch * n_lower, 1, 3);
  // The sign of the odds and of the eligibility is that of the unit's action.
  const Guarded<T> odds{batch * n_upper,
                        [&](Size i) { return std::copysign(std::exp(double(upper_z[i])), i % 3 ? 1 : -1); }};
  const Guarded<T> eligibility{batch * n_lower,
                               [&](Size i) { return std::copysign(sigmoid(lower_z[i]), i % 2 ? 1 : -1); }};
  const Guarded<T> t = normal<T>(batch * n_upper, 1, 4), a = normal<T>(batch * n_upper, 1, 5),
                   b = normal<T>(batch * n_upper, 1, 6);
  const Guarded<T> ratio{batch * n_upper,
                         [&](Size i) { return std::exp(double(upper_z[(i * 7) % (batch * n_upper)])); }};
  const Guarded<T> likelihood{batch * n_upper, [&](Size i) { return 1 / (1 + std::abs(double(odds[i]))); }};
  const Guarded<T> reward = normal<T>(batch, 1, 7);
  Guarded<T> a_out{batch * n_lower}, gain_out{batch * n_lower}, b_out{batch * n_lower}, ratio_out{batch * n_lower};

  void run(const Level& level, FlipForm form, bool clip) {
    std::vector<T> scratch(static_cast<std::size_t>(table<T>(level).flip_scratch(n_upper)));
    table<T>(level).flip(form, {.batch = batch,
                                .n_upper = n_upper,
                                .n_lower = n_lower,
                                .weight = weight.data(),
                                .step = T(step),
                                .clip = clip,
                                .odds = odds.data(),
                                .eligibility = eligibility.data(),
                                .unit_reward = t.data(),
                                .advantage = a.data(),
                                .flipped_advantage = b.data(),
                                .ratio = ratio.data(),
                                .likelihood = likelihood.data(),
                                .reward = reward.data(),
                                .advantage_out = a_out.data(),
                                .gain_out = gain_out.data(),
                                .flipped_advantage_out = b_out.data(),
                                .ratio_out = ratio_out.data(),
                                .scratch = scratch.data()});
    CHECK(a_out.intact() && gain_out.intact() && b_out.intact() && ratio_out.intact());
  }
};

/// What one unit is handed down, added up in double: A, B, lambda and the difference, the probability that more than
/// one of the units above changes, and the size of the terms.
struct Handed {
  double A = 0, B = 0, lambda = 1, difference = 0, many = 0, size = 1;
};

template <class T>
Handed handed_down(const FlipCase<T>& c, Size s, Size i) {
  const double action = std::signbit(c.eligibility[s * c.n_lower + i]) ? -1 : 1;
  Handed h;
  double none = 1, one = 0;  // probabilities that no unit above changes, and that one does
  for (Size j = c.n_upper - 1; j >= 0; --j) {
    const Size at = s * c.n_upper + j;
    const double odds = std::abs(double(c.odds[at])), sign = std::signbit(c.odds[at]) ? -1 : 1;
    const double x = odds * std::exp(sign * action * c.step * c.weight[j * c.n_lower + i]);
    const double kappa = (1 + odds) / (1 + x);
    const double reward_if_flipped =
        (double(c.a[at]) - double(c.b[at]) * x) / ((1 + x) * (1 + double(c.ratio[at]) * x));
    h.A = c.t[at] + kappa * (h.A - c.t[at]);
    h.B += h.lambda * (kappa - 1) * reward_if_flipped;
    h.lambda *= kappa;
    h.difference += (1 - kappa) * c.t[at];
    const double change = (1 - kappa) / (1 + odds), d = change * change;
    h.many += d * one;
    one += d * (none - one);
    none -= d * none;
    h.size = std::max({h.size, std::abs(h.A), std::abs(h.B), h.lambda, std::abs(h.difference)});
  }
  return h;
}

template <class T>
void check_handed_down(const FlipCase<T>& c, FlipForm form, Size s, Size i) {
  const Handed h = handed_down(c, s, i);
  const double tolerance = 50 * epsilon<T> * static_cast<double>(c.n_upper + 3) * h.size;
  const Size at = s * c.n_lower + i;
  if (form == FlipForm::difference) CHECK_NEAR(c.a_out[at], h.difference, tolerance);
  if (form == FlipForm::two_sided || form == FlipForm::posterior) CHECK_NEAR(c.a_out[at], h.A, tolerance);
  if (form == FlipForm::posterior) CHECK_NEAR(c.b_out[at], h.B, tolerance);
  if (form == FlipForm::blended) {
    const double joint = (1 - h.lambda) * double(c.reward[s]);
    const double share = h.many * h.many * (3 - 2 * h.many);
    CHECK_NEAR(c.a_out[at], h.A + share * (joint - h.A), 2 * tolerance);
    CHECK_NEAR(c.b_out[at], h.B + share * (-joint - h.B), 2 * tolerance);
  }
  if (form == FlipForm::posterior || form == FlipForm::blended || form == FlipForm::ratio)
    CHECK_NEAR(c.ratio_out[at], h.lambda, tolerance);
  if (form == FlipForm::ratio) CHECK_NEAR(c.gain_out[at], 1 - h.lambda, tolerance);
}

template <class T>
void flip(const Level& level) {
  struct Form {
    FlipForm form;
    bool clip = false;
  };
  for (const Size batch : {Size{1}, Size{2}, Size{5}})
    for (const Size n_upper : odd_sizes)
      for (const Size n_lower : odd_sizes)
        for (const auto [form, clip] :
             {Form{FlipForm::two_sided}, Form{FlipForm::posterior}, Form{FlipForm::posterior, true},
              Form{FlipForm::blended}, Form{FlipForm::blended, true}, Form{FlipForm::ratio},
              Form{FlipForm::difference}}) {
          FlipCase<T> c{batch, n_upper, n_lower};
          c.run(level, form, clip);
          for (Size s = 0; s < batch; ++s)
            for (Size i = 0; i < n_lower; ++i) check_handed_down(c, form, s, i);
        }
}

template <class T>
void combine(const Level& level) {
  for (const Size n : odd_sizes) {
    const auto z = normal<T>(n, 2, 1), a = normal<T>(n, 1, 2), b = normal<T>(n, 1, 3);
    const Guarded<T> q(n, [&](Size i) { return sigmoid(z[i]); });
    const Guarded<T> e(n, [&](Size i) { return std::copysign(sigmoid(-double(z[i])), i % 2 ? 1 : -1); });
    Guarded<T> ratio(n, [&](Size i) { return std::exp(double(z[n - 1 - i])); }), t(n);
    CHECK(table<T>(level).combine_posterior(n, q.data(), e.data(), a.data(), b.data(), ratio.data(), t.data()));
    for (Size i = 0; i < n; ++i) {
      const double qi = q[i], rest = std::abs(double(e[i]));
      const double expected = qi * (qi * a[i] - rest * b[i]) / (qi + rest * ratio[i]);
      CHECK_NEAR(t[i], expected, 40 * epsilon<T> * (1 + std::abs(a[i]) + std::abs(b[i])));
    }
    CHECK(t.intact());
    for (const double bad : {2.0 * Range<T>::odds, std::nan("")}) {
      ratio.data()[n - 1] = static_cast<T>(bad);
      CHECK(!table<T>(level).combine_posterior(n, q.data(), e.data(), a.data(), b.data(), ratio.data(), t.data()));
    }
  }
}

template <class T>
void adam(const Level& level) {
  for (const Size n : odd_sizes) {
    const auto g = normal<T>(n, 1, 1), m0 = normal<T>(n, 1, 2), w0 = normal<T>(n, 1, 3);
    const Guarded<T> v0(n, [](Size i) { return 0.1 * static_cast<double>(i); });
    auto m = m0, v = v0, w = w0;
    const uwm::kernels::Adam<T> constants = {.beta1 = T(0.9),
                                             .one_minus_beta1 = T(0.1),
                                             .beta2 = T(0.99),
                                             .one_minus_beta2 = T(0.01),
                                             .rate = T(0.05),
                                             .root_scale = T(1.25),
                                             .epsilon = T(1e-3)};
    table<T>(level).adam(n, constants, g.data(), m.data(), v.data(), w.data());
    for (Size i = 0; i < n; ++i) {
      const double first = 0.9 * m0[i] + 0.1 * g[i], second = 0.99 * v0[i] + 0.01 * double(g[i]) * g[i];
      CHECK_NEAR(m[i], first, 10 * epsilon<T>);
      CHECK_NEAR(v[i], second, 10 * epsilon<T> * (1 + second));
      CHECK_NEAR(w[i], w0[i] + 0.05 * first / (1.25 * std::sqrt(second) + 1e-3),
                 40 * epsilon<T> * (1 + std::abs(w[i])));
    }
    CHECK(m.intact() && v.intact() && w.intact());
  }
}

template <class T>
void max_abs(const Level& level) {
  CHECK(table<T>(level).max_abs(0, nullptr) == 0);
  for (const Size n : odd_sizes) {
    auto x = normal<T>(n, 1, static_cast<unsigned>(n));
    double most = 0;
    for (Size i = 0; i < n; ++i) most = std::max(most, std::abs(double(x[i])));
    CHECK(table<T>(level).max_abs(n, x.data()) == most);
    for (Size i = 0; i < n; ++i)
      for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        const T good = x[i];
        x.data()[i] = static_cast<T>(bad);
        CHECK(table<T>(level).max_abs(n, x.data()) == HUGE_VAL);
        x.data()[i] = good;
      }
  }
}

template <class T>
void trace(const Level& level) {
  for (const Size columns : odd_sizes)
    for (const Size rows : {1, 5}) {
      const auto e = normal<T>(rows, 1, 1), h = normal<T>(columns, 1, 2), before = normal<T>(rows * columns, 1, 3);
      auto z = before;
      const double sum = double(table<T>(level).trace(rows, columns, T(0.75), e.data(), h.data(), z.data()));
      double expected = 0;
      for (Size i = 0; i < rows * columns; ++i) {
        const double made = 0.75 * before[i] + double(e[i / columns]) * h[i % columns];
        CHECK_NEAR(z[i], made, 10 * epsilon<T> * (1 + std::abs(made)));
        expected += std::abs(made);
      }
      CHECK_NEAR(sum, expected, 100 * epsilon<T> * (1 + expected));
      CHECK(z.intact());
    }
}

template <class T>
void scale(const Level& level) {
  for (const Size n : odd_sizes) {
    const auto x = normal<T>(n, 1, 1), before = normal<T>(n, 1, 2);
    for (const bool add : {false, true}) {
      auto y = before;
      table<T>(level).scale(n, add, T(0.3), x.data(), y.data());
      for (Size i = 0; i < n; ++i) CHECK_NEAR(y[i], 0.3 * x[i] + (add ? before[i] : T(0)), 10 * epsilon<T> * 4);
      CHECK(y.intact());
    }
  }
}

}  // namespace

TEST(the_levels_that_run_are) {
  CHECK(!machine_levels().empty());
  for (const Level* level : machine_levels()) std::cout << "level " << level->name << "\n";
  CHECK(level().supported());
}

AT_EVERY_LEVEL(units)
AT_EVERY_LEVEL(saturated_units)
AT_EVERY_LEVEL(multiply)
AT_EVERY_LEVEL(flip)
AT_EVERY_LEVEL(combine)
AT_EVERY_LEVEL(adam)
AT_EVERY_LEVEL(max_abs)
AT_EVERY_LEVEL(trace)
AT_EVERY_LEVEL(scale)

TEST(words_are_those_of_philox) {
  for (const Level* level : machine_levels())
    for (const Size n : {Size{1}, Size{3}, Size{8}, Size{20}, Size{64}, Size{65}, Size{300}})
      for (const Size samples : {Size{1}, Size{2}, Size{5}, Size{33}})
        for (const Size first : {Size{0}, Size{4}, Size{256}}) {
          const uwm::Position at{0xfedcba9876543210u, 0x123456789abcu};
          const Size stride = (n + 3) / 4 * 4;
          std::vector<std::uint32_t> words(
              static_cast<std::size_t>((samples * stride + words_block - 1) / words_block * words_block));
          level->words({.seed = at.seed,
                        .step = at.step,
                        .stream = 2,
                        .layer = 0xabc,
                        .sample = 99,
                        .samples = samples,
                        .first = first,
                        .n = n},
                       words.data());
          for (Size s = 0; s < samples; ++s)
            for (Size i = 0; i < n; ++i)
              CHECK(words[static_cast<std::size_t>(s * stride + i)] ==
                    uwm::random_word(at, uwm::Stream::task_inputs, 0xabc, static_cast<std::uint32_t>(99 + s),
                                     static_cast<std::uint32_t>(first + i)));
        }
}
