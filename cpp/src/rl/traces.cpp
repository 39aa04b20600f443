// Eligibility traces: what each parameter had to do with the actions of late.

#include "uwm/traces.hpp"

#include "work/flush_to_zero.hpp"

namespace uwm {

namespace {

/// z <- decay z + e h for n numbers.
void decay_and_add(Index n, float decay, float e, const float* h, float* z) {
  for (Index m = 0; m < n; ++m) z[m] = decay * z[m] + e * h[m];
}

/// out = c z, or out += c z.
void scale_into(bool first, Index n, float c, const float* z, float* out) {
  if (first)
    for (Index i = 0; i < n; ++i) out[i] = c * z[i];
  else
    for (Index i = 0; i < n; ++i) out[i] += c * z[i];
}

}  // namespace

Traces::Traces(const Network<float>& net, Index environments) : sets_(static_cast<std::size_t>(environments)) {
  for (auto& of_environment : sets_)
    for (const auto& layer : net.layers())
      of_environment.push_back({.weight = Matrix<float>::Zero(layer.weight.rows(), layer.weight.cols()),
                                .bias = Vector<float>::Zero(layer.bias.size())});
}

void Traces::clear(Index environment) {
  for (auto& layer : of(environment)) {
    layer.weight.setZero();
    layer.bias.setZero();
  }
}

void Traces::add(Index environment, std::size_t layer, float decay, const float* e, const float* h) {
  [[maybe_unused]] const FlushToZero scope;
  auto& [weight, bias] = of(environment)[layer];
  for (Index j = 0; j < weight.rows(); ++j) {
    decay_and_add(weight.cols(), decay, e[j], h, weight.data() + j * weight.cols());
    bias[j] = decay * bias[j] + e[j];
  }
}

double Traces::norm(Index environment) const {
  double sum = 0;
  for (const auto& layer : set(environment))
    sum += static_cast<double>(layer.weight.lpNorm<1>()) + static_cast<double>(layer.bias.lpNorm<1>());
  return sum;
}

void Traces::sum(const Vector<double>& coefficient, Gradient<float>& out) const {
  [[maybe_unused]] const FlushToZero scope;
  bool first = true;
  for (Index k = 0; k < environments(); ++k) {
    if (coefficient[k] == 0 && !(first && k + 1 == environments())) continue;
    const auto c = static_cast<float>(coefficient[k]);
    for (std::size_t l = 0; l < out.layers.size(); ++l) {
      const auto& z = set(k)[l];
      scale_into(first, z.weight.size(), c, z.weight.data(), out.layers[l].weight.data());
      scale_into(first, z.bias.size(), c, z.bias.data(), out.layers[l].bias.data());
    }
    first = false;
  }
}

}  // namespace uwm
