#pragma once

#include <cmath>
#include <limits>

#include "uwm/matrix.hpp"
#include "work/nearest.hpp"

namespace uwm {

/// Numbers x = m 2^exponent, where |m| < 1 and all share one exponent. Sums of products of such m cannot overflow.
struct Scaled {
  Matrix<double> m;
  int exponent = 0;

  template <class T>
  Scaled(const T* x, Index rows, Index columns)
      : m(Eigen::Map<const Matrix<T>>(x, rows, columns).template cast<double>()) {
    std::frexp(m.size() == 0 ? 0.0 : m.cwiseAbs().maxCoeff(), &exponent);
    m = m.unaryExpr([this](double v) { return std::ldexp(v, -exponent); });
  }
};

/// The finite T nearest to m 2^exponent.
template <class T>
T nearest_scaled(double m, int exponent) {
  return nearest<T>(std::ldexp(m, exponent));
}

}  // namespace uwm
