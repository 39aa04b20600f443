#pragma once

#include <Eigen/Core>

namespace uwm {

using Eigen::Index;

/// Row-major throughout: one row per unit (weights) or per sample (activations), so that the units of
/// the layer below are contiguous, and NumPy sees the same memory without a copy.
template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

/// Any row-major matrix or block of one, taken without a copy.
template <class T>
using ConstMatrixRef = Eigen::Ref<const Matrix<T>>;

}  // namespace uwm
