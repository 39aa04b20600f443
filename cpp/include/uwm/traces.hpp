#pragma once

#include <vector>

#include "uwm/export.hpp"
#include "uwm/matrix.hpp"
#include "uwm/network.hpp"
#include "uwm/rule.hpp"

namespace uwm {

/// Eligibility traces of the parameters of a network, a set of them for each environment: z <- decay z + e h^T, with e
/// a number per unit and h the layer's inputs.
class UWM_EXPORT Traces {
 public:
  Traces(const Network<float>& net, Index environments);

  Index environments() const { return static_cast<Index>(sets_.size()); }
  const std::vector<LayerGradient<float>>& of(Index environment) const { return set(environment); }
  std::vector<LayerGradient<float>>& of(Index environment) { return sets_[static_cast<std::size_t>(environment)]; }

  void clear(Index environment);

  /// e: one number per unit of layer l; h: one per input of it. The trace of a bias has an input of 1. Returns the sum
  /// of the absolute values of the layer's traces.
  double add(Index environment, std::size_t layer, float decay, const float* e, const float* h);

  /// w += coefficient z.
  void add_to(Network<float>& net, Index environment, float coefficient) const;

  /// sum_k coefficient_k z_k, one coefficient per environment. Those of environments with coefficient 0 are not read.
  void sum(const Vector<double>& coefficient, Gradient<float>& out) const;

 private:
  const std::vector<LayerGradient<float>>& set(Index k) const { return sets_[static_cast<std::size_t>(k)]; }

  std::vector<std::vector<LayerGradient<float>>> sets_;
};

}  // namespace uwm
