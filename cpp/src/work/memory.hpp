#pragma once

#include <vector>

#include "uwm/matrix.hpp"
#include "uwm/workspace.hpp"
#include "work/grow.hpp"

namespace uwm {

/// What the rules that weigh flips know of the units of one layer; matrices are (batch, units).
template <class T>
struct FlipMemory {
  Matrix<T> advantage, flipped_advantage, ratio;  // A, B and lambda
  Matrix<T> gain;                                 // 1 - lambda, which times R is the A of one joint action
  bool clip = false;                              // whether a weight above is so large that the flips must be clipped
};

/// All working memory that the library keeps from one call to the next.
template <class T>
struct Workspace<T>::Memory {
  Vector<T> scratch;                 // of the kernels
  std::vector<double> logit;         // the logits of one sample, and where a flip moves them
  std::vector<T> delta;              // T_j (h_j - p_j) of one layer
  std::vector<T> feedback;           // what a rule hands delta down through in the place of the weights
  std::vector<FlipMemory<T>> flips;  // one per layer
  std::vector<T> reward;             // in the precision of the network
  std::vector<char> outside;         // whether a sample has left the range of the kernels
};

}  // namespace uwm
