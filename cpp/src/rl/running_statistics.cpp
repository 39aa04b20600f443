// Mean and variance of numbers that come one after the other.

#include "uwm/running_statistics.hpp"

#include <cmath>
#include <utility>

#include "work/message.hpp"

namespace uwm {

namespace {

constexpr double least_variance = 1e-8;

}  // namespace

RunningStatistics::RunningStatistics(Index columns)
    : mean_(Vector<double>::Zero(columns)),
      squares_(Vector<double>::Zero(columns)),
      deviation_(Vector<double>::Ones(columns)) {}

void RunningStatistics::add(const float* x) {
  ++count_;
  const double weight = 1.0 / static_cast<double>(count_);
  for (Index i = 0; i < mean_.size(); ++i) {
    const double number = static_cast<double>(x[i]), before = number - mean_[i];
    mean_[i] += before * weight;
    squares_[i] += before * (number - mean_[i]);
  }
  update_deviation();
}

void RunningStatistics::add(double x) {
  ++count_;
  const double before = x - mean_[0];
  mean_[0] += before / static_cast<double>(count_);
  squares_[0] += before * (x - mean_[0]);
  update_deviation();
}

void RunningStatistics::standardize(const float* x, float* y) const {
  for (Index i = 0; i < mean_.size(); ++i)
    y[i] = static_cast<float>((static_cast<double>(x[i]) - mean_[i]) / deviation_[i]);
}

void RunningStatistics::update_deviation() {
  if (count_ < 2) return;
  const double weight = 1.0 / static_cast<double>(count_ - 1);
  deviation_ = (squares_.array() * weight + least_variance).sqrt();
}

void RunningStatistics::restore(std::int64_t count, Vector<double> mean, Vector<double> squares) {
  require(count >= 0, "the count of the statistics must not be negative, got ", count);
  require(mean.size() == mean_.size() && squares.size() == mean_.size(), "the statistics must have ", mean_.size(),
          " means and sums of squares, got ", mean.size(), " and ", squares.size());
  require(mean.allFinite() && squares.allFinite() && (squares.size() == 0 || squares.minCoeff() >= 0),
          "the means must be finite, and the sums of squares finite and not negative");
  count_ = count;
  mean_ = std::move(mean);
  squares_ = std::move(squares);
  deviation_.setOnes();
  update_deviation();
}

}  // namespace uwm
