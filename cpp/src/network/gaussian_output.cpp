// Real actions a_k = z_k + sigma e_k, e standard normal. Eligibility (a_k - z_k) / sigma^2.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "network/bernoulli.hpp"
#include "network/move.hpp"
#include "uwm/output.hpp"
#include "work/message.hpp"

namespace uwm {

template <class T>
const OutputInfo* GaussianOutput<T>::info() const {
  return &output_info(name());
}

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

template class GaussianOutput<float>;
template class GaussianOutput<double>;

}  // namespace uwm
