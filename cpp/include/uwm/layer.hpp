#pragma once

#include "uwm/matrix.hpp"

namespace uwm {

/// The parameters of one layer: z = (W h + b) / temperature.
template <class T = float>
struct Layer {
  Matrix<T> weight;  ///< (n_out, n_in)
  Vector<T> bias;    ///< (n_out)
  T temperature = 1;
};

}  // namespace uwm
