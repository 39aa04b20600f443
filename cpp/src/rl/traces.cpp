// Eligibility traces: what each parameter had to do with the actions of late.

#include "uwm/traces.hpp"

#include "kernels/kernels.hpp"

namespace uwm {

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

double Traces::add(Index environment, std::size_t layer, float decay, const float* e, const float* h) {
  constexpr float one = 1;
  auto& [weight, bias] = of(environment)[layer];
  const auto& kernel = kernels::active<float>();
  const float of_weights = kernel.trace(weight.rows(), weight.cols(), decay, e, h, weight.data());
  const float of_biases = kernel.trace(1, bias.size(), decay, &one, e, bias.data());
  return static_cast<double>(of_weights) + static_cast<double>(of_biases);
}

void Traces::add_to(Network<float>& net, Index environment, float coefficient) const {
  const auto& kernel = kernels::active<float>();
  for (std::size_t l = 0; l < net.layers().size(); ++l) {
    auto& layer = net.layers()[l];
    const auto& z = set(environment)[l];
    kernel.scale(z.weight.size(), true, coefficient, z.weight.data(), layer.weight.data());
    kernel.scale(z.bias.size(), true, coefficient, z.bias.data(), layer.bias.data());
  }
}

void Traces::sum(const Vector<double>& coefficient, Gradient<float>& out) const {
  const auto& kernel = kernels::active<float>();
  bool first = true;
  for (Index k = 0; k < environments(); ++k) {
    if (coefficient[k] == 0 && !(first && k + 1 == environments())) continue;
    const auto c = static_cast<float>(coefficient[k]);
    for (std::size_t l = 0; l < out.layers.size(); ++l) {
      const auto& z = set(k)[l];
      kernel.scale(z.weight.size(), !first, c, z.weight.data(), out.layers[l].weight.data());
      kernel.scale(z.bias.size(), !first, c, z.bias.data(), out.layers[l].bias.data());
    }
    first = false;
  }
}

}  // namespace uwm
