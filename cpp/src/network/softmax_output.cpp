// One action of n_out, one-hot, with the probabilities pi_k = exp(z_k) / sum_j exp(z_j).

#include <algorithm>
#include <cmath>

#include "kernels/kernels.hpp"
#include "network/move.hpp"
#include "uwm/output.hpp"
#include "work/memory.hpp"
#include "work/message.hpp"
#include "work/nearest.hpp"

namespace uwm {

template <class T>
const OutputInfo* SoftmaxOutput<T>::info() const {
  return &output_info(name());
}

template <class T>
void SoftmaxOutput<T>::check_size(Index n) const {
  require(n >= 2, "a softmax output must have at least 2 units, got ", n);
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
  auto& scratch = flip.work.memory().scratch;
  grow(scratch, kernel.flip_scratch(flip.weight.rows()));
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
                  .scratch = scratch.data()});
}

template class SoftmaxOutput<float>;
template class SoftmaxOutput<double>;

}  // namespace uwm
