#pragma once

#include <random>
#include <string>
#include <vector>

#include "uwm/network.hpp"

/// What several test files start from.
namespace fixture {

using uwm::Index;
using uwm::Matrix;
using uwm::Vector;

/// Standard normal numbers; the seed makes them the same in every run.
template <class M>
void fill_normal(M& m, double scale, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0.0, scale);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<typename M::Scalar>(normal(generator));
}

template <class T>
Matrix<T> normal_matrix(Index rows, Index cols, double scale, unsigned seed) {
  Matrix<T> m(rows, cols);
  fill_normal(m, scale, seed);
  return m;
}

template <class T>
void set_parameters(uwm::Network<T>& net, double scale, unsigned seed) {
  for (auto& layer : net.layers()) {
    fill_normal(layer.weight, scale, ++seed);
    fill_normal(layer.bias, scale, ++seed);
  }
}

template <class T>
bool same_parameters(const uwm::Network<T>& a, const uwm::Network<T>& b) {
  if (a.sizes() != b.sizes()) return false;
  for (std::size_t l = 0; l < a.layers().size(); ++l)
    if (a.layers()[l].weight != b.layers()[l].weight || a.layers()[l].bias != b.layers()[l].bias) return false;
  return true;
}

/// A built-in kind without its own flip_ratio.
template <class T, class Built>
class Plain final : public uwm::Output<T> {
 public:
  std::string name() const override { return "plain"; }
  void check_size(Index n) const override { built_.check_size(n); }
  void check_actions(uwm::ConstMatrixRef<T> activation) const override { built_.check_actions(activation); }
  void draw(const uwm::Position& position, std::uint32_t layer, uwm::LayerSample<T>& output) const override {
    built_.draw(position, layer, output);
  }
  void evaluate(uwm::LayerSample<T>& output) const override { built_.evaluate(output); }
  double log_likelihood(std::span<const double> logit, std::span<const T> action) const override {
    return built_.log_likelihood(logit, action);
  }

 private:
  Built built_;
};

}  // namespace fixture
