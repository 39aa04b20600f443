// Independent Bernoulli-logistic units as the output: what a hidden layer is, 0 or 1.

#include <cmath>

#include "network/bernoulli.hpp"
#include "uwm/output.hpp"
#include "work/message.hpp"

namespace uwm {

template <class T>
const OutputInfo* BernoulliOutput<T>::info() const {
  return &output_info(name());
}

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

template class BernoulliOutput<float>;
template class BernoulliOutput<double>;

}  // namespace uwm
