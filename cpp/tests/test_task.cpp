#include <limits>

#include "check.hpp"
#include "fixture.hpp"
#include "uwm/error.hpp"
#include "uwm/tasks.hpp"

using namespace fixture;
using uwm::Bandit;
using uwm::Multiplexer;
using uwm::Position;
using uwm::ValueError;

namespace {

constexpr Position at{11, 22};

std::uint32_t word(Index sample, Index unit) {
  return uwm::random_word(at, uwm::Stream::task_inputs, 0, static_cast<std::uint32_t>(sample),
                          static_cast<std::uint32_t>(unit));
}

/// A sample of which a task sees input and output only.
template <class T>
uwm::Sample<T> answer(const Matrix<T>& x, const Matrix<T>& output) {
  uwm::Sample<T> sample;
  sample.input = x;
  sample.layers.resize(1);
  sample.layers[0].activation = output;
  return sample;
}

template <class T>
void check_multiplexer() {
  Multiplexer task(3);
  CHECK(task.address_bits() == 3 && task.n_inputs() == 11 && task.n_outputs() == 1);
  Matrix<T> x(64, 11);
  static_cast<uwm::Task&>(task).inputs(at, x);
  Matrix<T> output(64, 1);
  for (Index s = 0; s < 64; ++s) {
    for (Index i = 0; i < 11; ++i) CHECK(x(s, i) == (word(s, i) < 0x80000000u ? T(1) : T(-1)));
    const Index address = 4 * (x(s, 0) > 0) + 2 * (x(s, 1) > 0) + (x(s, 2) > 0);
    output(s, 0) = (x(s, 3 + address) > 0) == (s % 3 != 0);
  }
  Vector<double> reward(64);
  static_cast<uwm::Task&>(task).reward(at, answer(x, output), reward);
  for (Index s = 0; s < 64; ++s) CHECK(reward[s] == (s % 3 != 0 ? 1 : -1));
}

template <class T>
void check_bandit() {
  const auto rows = normal_matrix<double>(10, 4, 1, 1);
  Bandit task(rows, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0});
  CHECK(task.n_inputs() == 4 && task.n_outputs() == 3 && task.rows() == rows && task.labels().size() == 10);
  Matrix<T> x(30, 4), output = Matrix<T>::Zero(30, 3);
  static_cast<uwm::Task&>(task).inputs(at, x);
  for (Index s = 0; s < 30; ++s) {
    const auto row = static_cast<Index>((std::uint64_t{word(s, 0)} * 10) >> 32);
    CHECK(x.row(s) == rows.row(row).cast<T>());
    output(s, (row % 3 + (s % 2)) % 3) = 1;
  }
  Vector<double> reward(30);
  static_cast<uwm::Task&>(task).reward(at, answer(x, output), reward);
  for (Index s = 0; s < 30; ++s) CHECK(reward[s] == (s % 2 == 0 ? 1 : -1));
}

}  // namespace

TEST(multiplexer_draws_coins_and_rewards_the_bit_that_the_address_names) {
  check_multiplexer<float>();
  check_multiplexer<double>();
  for (const int bits : {0, -1, 17})
    CHECK_THROWS(ValueError, "address_bits must be between 1 and 16", Multiplexer(bits));
  CHECK(Multiplexer().n_inputs() == 20 && Multiplexer(1).n_inputs() == 3 && Multiplexer(16).n_inputs() == 65552);
}

TEST(bandit_pays_what_a_table_says) {
  const auto rows = normal_matrix<double>(10, 4, 1, 1), rewards = normal_matrix<double>(10, 3, 1, 2);
  Bandit task(rows, rewards);
  CHECK(task.n_outputs() == 3 && task.rewards() == rewards && task.labels().empty());
  Matrix<float> x(30, 4), output = Matrix<float>::Zero(30, 3);
  static_cast<uwm::Task&>(task).inputs(at, x);
  for (Index s = 0; s < 30; ++s) output(s, s % 3) = 1;
  Vector<double> reward(30);
  static_cast<uwm::Task&>(task).reward(at, answer(x, output), reward);
  for (Index s = 0; s < 30; ++s)
    CHECK(reward[s] == rewards(static_cast<Index>((std::uint64_t{word(s, 0)} * 10) >> 32), s % 3));
  CHECK_THROWS(ValueError, "rewards must have shape (10, actions)", Bandit(rows, Matrix<double>(9, 3)));
  CHECK_THROWS(ValueError, "2 actions or more", Bandit(rows, Matrix<double>(10, 1)));
}

TEST(bandit_draws_rows_and_rewards_their_labels) {
  check_bandit<float>();
  check_bandit<double>();
}

TEST(two_classes_can_be_told_by_one_unit) {
  Bandit task(Matrix<double>::Zero(1, 2), {1}, 2);
  Vector<double> reward(1);
  for (const float output : {0.0f, 1.0f}) {
    static_cast<uwm::Task&>(task).reward(
        at, answer<float>(Matrix<float>::Zero(1, 2), Matrix<float>::Constant(1, 1, output)), reward);
    CHECK(reward[0] == (output > 0 ? 1 : -1));
  }
}

TEST(bad_tables_are_refused) {
  const Matrix<double> x = Matrix<double>::Zero(3, 2);
  CHECK_THROWS(ValueError, "got (0, 2)", Bandit(Matrix<double>::Zero(0, 2), {}));
  CHECK_THROWS(ValueError, "got (3, 0)", Bandit(Matrix<double>::Zero(3, 0), {0, 1, 0}));
  CHECK_THROWS(ValueError, "labels must have shape (3,), got (2,)", Bandit(x, {0, 1}));
  CHECK_THROWS(ValueError, "labels must be 0 or more, got -1", Bandit(x, {0, -1, 1}));
  CHECK_THROWS(ValueError, "below the number of classes, 2, got 2", Bandit(x, {0, 1, 2}, 2));
  CHECK_THROWS(ValueError, "at least 2 classes, got 1", Bandit(x, {0, 0, 0}));
  CHECK_THROWS(ValueError, "at least 2 classes, got -5", Bandit(x, {0, 0, 0}, -5));
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK_THROWS(ValueError, "inputs must be finite", Bandit(Matrix<double>::Constant(3, 2, bad), {0, 1, 0}));
  CHECK(Bandit(x, {0, 1, 0}, 5).n_outputs() == 5);
}
