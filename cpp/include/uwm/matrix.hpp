#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <type_traits>

namespace uwm {

using Eigen::Index;

static_assert(EIGEN_VERSION_AT_LEAST(3, 4, 0), "uwm needs Eigen 3.4 or later");
static_assert(std::is_same_v<Index, std::ptrdiff_t>,
              "uwm needs Eigen's own index type: do not define EIGEN_DEFAULT_DENSE_INDEX_TYPE");

/// Row-major throughout: one row per unit (weights) or per sample (activations), so that the units of
/// the layer below are contiguous, and NumPy sees the same memory without a copy.
///
/// Matrices cross the border of the library. What is not aligned comes from malloc() and goes to free(); how Eigen gets
/// aligned memory depends on the flags and definitions that each side is compiled with.
template <class T = float>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor | Eigen::DontAlign>;

template <class T = float>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1, Eigen::ColMajor | Eigen::DontAlign>;

/// Any row-major matrix or block of one, taken without a copy.
template <class T = float>
using ConstMatrixRef = Eigen::Ref<const Matrix<T>>;

}  // namespace uwm
