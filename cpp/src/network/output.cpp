#include "uwm/output.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/kernels.hpp"
#include "network/bernoulli.hpp"
#include "network/move.hpp"
#include "work/grow.hpp"
#include "work/message.hpp"
#include "work/nearest.hpp"

namespace uwm {

namespace {

template <class T>
void write_ratio(double log_ratio, T& ratio, T& gain) {
  ratio = static_cast<T>(std::exp(log_ratio));
  gain = static_cast<T>(-std::expm1(log_ratio));
}

}  // namespace

template <class T>
void Output<T>::flip_ratio(const OutputFlip<T>& flip, Matrix<T>& ratio, Matrix<T>& gain) const {
  const auto& out = flip.output;
  const Index batch = out.logit.rows(), n_hidden = flip.weight.cols();
  const auto n_out = static_cast<std::size_t>(out.logit.cols());
  flip.logit.resize(3 * n_out);
  const std::span<double> z(flip.logit.data(), n_out), change(z.data() + n_out, n_out),
      moved(change.data() + n_out, n_out);
  for (Index s = 0; s < batch; ++s) {
    const std::span<const T> action(out.activation.row(s).data(), n_out);
    for (std::size_t k = 0; k < n_out; ++k) z[k] = out.logit(s, static_cast<Index>(k));
    const double actual = log_likelihood(z, action);
    for (Index i = 0; i < n_hidden; ++i) {
      const double move = -action_sign(flip.below_eligibility(s, i)) * flip.step;
      for (std::size_t k = 0; k < n_out; ++k) {
        change[k] = move * flip.weight(static_cast<Index>(k), i);
        moved[k] = z[k] + change[k];
      }
      write_ratio(checked_log_ratio(*this, OutputMove<T>{z, change, moved, action, actual}), ratio(s, i), gain(s, i));
    }
  }
}

// Bernoulli

template <class T>
void BernoulliOutput<T>::check_size(Index) const {}

template <class T>
void BernoulliOutput<T>::check_actions(ConstMatrixRef<T> activation) const {
  require(((activation.array() == T(0)) || (activation.array() == T(1))).all(),
          "activations of a Bernoulli output must be 0 or 1");
}

template <class T>
void BernoulliOutput<T>::draw(const Position& position, std::uint32_t layer, LayerSample<T>& output) const {
  draw_units(position, layer, Units::binary, output);
}

template <class T>
void BernoulliOutput<T>::evaluate(LayerSample<T>& output) const {
  evaluate_units(Units::binary, output);
}

template <class T>
double BernoulliOutput<T>::log_likelihood(std::span<const double> logit, std::span<const T> action) const {
  double total = 0;
  for (std::size_t k = 0; k < logit.size(); ++k) total -= softplus(action[k] > 0 ? -logit[k] : logit[k]);
  return total;
}

template <class T>
double BernoulliOutput<T>::log_ratio(const OutputMove<T>& move) const {
  // q + (1 - q) exp(d) of each unit, with d the change that speaks against the action
  double total = 0;
  for (std::size_t k = 0; k < move.logit.size(); ++k) {
    const double sign = move.action[k] > 0 ? 1 : -1, y = sign * move.logit[k], d = -sign * move.change[k];
    const double excess = std::exp(-softplus(y)) * std::expm1(d);
    total += std::abs(excess) < 0.5 ? -std::log1p(excess) : softplus(-y) - softplus(-sign * move.moved[k]);
  }
  return total;
}

// Softmax

template <class T>
void SoftmaxOutput<T>::check_size(Index n) const {
  require(n >= 2, "a softmax output needs at least 2 units, got ", n);
}

template <class T>
void SoftmaxOutput<T>::check_actions(ConstMatrixRef<T> activation) const {
  const auto ones = (activation.array() == T(1)).template cast<Index>().rowwise().sum();
  const auto zeros = (activation.array() == T(0)).template cast<Index>().rowwise().sum();
  require((ones == 1).all() && (zeros == activation.cols() - 1).all(),
          "activations of a softmax output must be one-hot: a single 1 in each row, 0 elsewhere");
}

template <class T>
void SoftmaxOutput<T>::draw(const Position& position, std::uint32_t layer, LayerSample<T>& output) const {
  const Index n = output.logit.cols();
  for (Index s = 0; s < output.logit.rows(); ++s) {
    const auto z = output.logit.row(s);
    const double most = z.maxCoeff();
    double total = 0;
    for (Index k = 0; k < n; ++k) total += std::exp(double(z[k]) - most);
    const double threshold =
        total * uniform(random_word(position, Stream::activations, layer, static_cast<std::uint32_t>(s), 0));
    double cumulative = 0;
    Index action = 0;
    for (Index k = 0; k < n && cumulative <= threshold; ++k) {
      const double e = std::exp(double(z[k]) - most);
      if (e > 0) action = k;
      cumulative += e;
    }
    output.activation.row(s).setZero();
    output.activation(s, action) = 1;
  }
}

template <class T>
void SoftmaxOutput<T>::evaluate(LayerSample<T>& output) const {
  for (Index s = 0; s < output.logit.rows(); ++s) {
    auto p = output.probability.row(s);
    p = (output.logit.row(s).array() - output.logit.row(s).maxCoeff()).exp().matrix();
    p /= p.sum();
    output.eligibility.row(s) = output.activation.row(s) - p;
    // 1 - p of the action taken, from the others: it keeps its precision when that action is nearly certain
    Index action = 0;
    output.activation.row(s).maxCoeff(&action);
    output.eligibility(s, action) = 0;
    output.eligibility(s, action) = -output.eligibility.row(s).sum();
  }
}

template <class T>
double SoftmaxOutput<T>::log_likelihood(std::span<const double> logit, std::span<const T> action) const {
  double most = logit[0], chosen = 0, total = 0;
  for (std::size_t k = 0; k < logit.size(); ++k) {
    most = std::max(most, logit[k]);
    if (action[k] > 0) chosen = logit[k];
  }
  for (const double z : logit) total += std::exp(z - most);
  return chosen - most - std::log(total);
}

template <class T>
double SoftmaxOutput<T>::log_ratio(const OutputMove<T>& move) const {
  // -log sum_k pi_k exp(d_k - d_a), a the action
  const auto& [logit, change, moved, action, log_likelihood] = move;
  const double most = *std::ranges::max_element(logit), most_moved = *std::ranges::max_element(moved);
  double chosen = 0, total = 0, total_moved = 0;
  for (std::size_t k = 0; k < logit.size(); ++k) {
    if (action[k] > 0) chosen = change[k];
    total += std::exp(logit[k] - most);
    total_moved += std::exp(moved[k] - most_moved);
  }
  double excess = 0;
  for (std::size_t k = 0; k < logit.size(); ++k) {
    const double log_pi = logit[k] - most - std::log(total), pi = std::exp(log_pi), d = change[k] - chosen;
    excess += d < 1 ? pi * std::expm1(d) : std::exp(log_pi + d) - pi;
  }
  if (std::abs(excess) < 0.5) return -std::log1p(excess);
  return chosen - (most_moved - most) - std::log(total_moved / total);
}

template <class T>
void SoftmaxOutput<T>::flip_ratio(const OutputFlip<T>& flip, Matrix<T>& ratio, Matrix<T>& gain) const {
  const auto& out = flip.output;
  const auto& kernel = kernels::active<T>();
  const T step = nearest<T>(flip.step);
  const T largest = step * kernel.max_abs(flip.weight.size(), flip.weight.data());
  if (!(largest < kernels::Range<T>::joint_weight) || largest < least_weight<T>)
    return Output<T>::flip_ratio(flip, ratio, gain);
  grow(flip.scratch, kernel.flip_scratch(flip.weight.rows()));
  kernel.softmax({.batch = out.logit.rows(),
                  .n_out = flip.weight.rows(),
                  .n_hidden = flip.weight.cols(),
                  .weight = flip.weight.data(),
                  .step = step,
                  .probability = out.probability.data(),
                  .activation = out.activation.data(),
                  .output_eligibility = out.eligibility.data(),
                  .eligibility = flip.below_eligibility.data(),
                  .ratio_out = ratio.data(),
                  .gain_out = gain.data(),
                  .scratch = flip.scratch.data()});
}

// Gaussian

template <class T>
GaussianOutput<T>::GaussianOutput(double sigma) : sigma_(sigma) {
  require(sigma > 0 && std::isfinite(sigma), "sigma must be positive and finite, got ", sigma);
  const double least = std::sqrt(static_cast<double>(std::numeric_limits<T>::min()));
  require(sigma >= least && sigma <= 1 / least, "sigma must be from ", least, " to ", 1 / least, " in ",
          sizeof(T) == 4 ? "float32" : "float64", ", got ", sigma);
}

template <class T>
void GaussianOutput<T>::check_size(Index) const {}

template <class T>
void GaussianOutput<T>::check_actions(ConstMatrixRef<T> activation) const {
  require(activation.allFinite(), "activations of a Gaussian output must be finite");
}

template <class T>
void GaussianOutput<T>::draw(const Position& position, std::uint32_t layer, LayerSample<T>& output) const {
  // Box and Muller (1958): one pair of words makes the noise of one pair of units
  for (Index s = 0; s < output.logit.rows(); ++s) {
    for (Index k = 0; k < output.logit.cols(); ++k) {
      const auto word = [&](Index unit) {
        return uniform(random_word(position, Stream::activations, layer, static_cast<std::uint32_t>(s),
                                   static_cast<std::uint32_t>(unit)));
      };
      const Index first = k - k % 2;
      const double radius = std::sqrt(-2 * std::log(word(first))), angle = 2 * std::numbers::pi * word(first + 1);
      const double noise = radius * (k % 2 == 0 ? std::cos(angle) : std::sin(angle));
      output.activation(s, k) = static_cast<T>(output.logit(s, k) + sigma_ * noise);
    }
  }
}

template <class T>
void GaussianOutput<T>::evaluate(LayerSample<T>& output) const {
  output.probability = output.logit;
  for (Index k = 0; k < output.logit.size(); ++k) {
    const double noise = double(output.activation.data()[k]) - double(output.logit.data()[k]);
    output.eligibility.data()[k] = static_cast<T>(noise / sigma_ / sigma_);
  }
}

template <class T>
double GaussianOutput<T>::log_likelihood(std::span<const double> logit, std::span<const T> action) const {
  double total = 0;
  for (std::size_t k = 0; k < logit.size(); ++k) total -= (action[k] - logit[k]) * (action[k] - logit[k]);
  return total / (2 * sigma_ * sigma_);
}

namespace {

/// (noise^2 - (noise - change)^2) / (2 sigma^2), multiplied out: squares cancel where sigma is small. Within a range
/// in which terms of both signs can be added.
double gaussian_log_ratio(double noise, double change, double sigma) {
  return std::clamp(0.5 * (change / sigma) * ((2 * noise - change) / sigma), -1e300, 1e300);
}

}  // namespace

template <class T>
double GaussianOutput<T>::log_ratio(const OutputMove<T>& move) const {
  double total = 0;
  for (std::size_t k = 0; k < move.logit.size(); ++k)
    total += gaussian_log_ratio(move.action[k] - move.logit[k], move.change[k], sigma_);
  return total;
}

template <class T>
void GaussianOutput<T>::flip_ratio(const OutputFlip<T>& flip, Matrix<T>& ratio, Matrix<T>& gain) const {
  const auto& out = flip.output;
  for (Index s = 0; s < out.logit.rows(); ++s) {
    for (Index i = 0; i < flip.weight.cols(); ++i) {
      const double move = -action_sign(flip.below_eligibility(s, i)) * flip.step;
      double log_ratio = 0;
      for (Index k = 0; k < out.logit.cols(); ++k) {
        const double noise = double(out.activation(s, k)) - double(out.logit(s, k));
        log_ratio += gaussian_log_ratio(noise, move * flip.weight(k, i), sigma_);
      }
      write_ratio(log_ratio, ratio(s, i), gain(s, i));
    }
  }
}

template <class T>
std::shared_ptr<const Output<T>> make_output(const std::string& name, double sigma) {
  require(sigma > 0 && std::isfinite(sigma), "sigma must be positive and finite, got ", sigma);
  if (name == "bernoulli") return std::make_shared<BernoulliOutput<T>>();
  if (name == "softmax") return std::make_shared<SoftmaxOutput<T>>();
  if (name == "gaussian") return std::make_shared<GaussianOutput<T>>(sigma);
  throw ValueError(text("output must be 'bernoulli', 'softmax' or 'gaussian', got '", name, "'"));
}

template class Output<float>;
template class Output<double>;
template class BernoulliOutput<float>;
template class BernoulliOutput<double>;
template class SoftmaxOutput<float>;
template class SoftmaxOutput<double>;
template class GaussianOutput<float>;
template class GaussianOutput<double>;
template std::shared_ptr<const Output<float>> make_output(const std::string&, double);
template std::shared_ptr<const Output<double>> make_output(const std::string&, double);

}  // namespace uwm
