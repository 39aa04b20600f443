#pragma once

#include <cstddef>
#include <cstdint>

#include "uwm/flip_form.hpp"

namespace uwm::kernels {

using Size = std::ptrdiff_t;

/// One pass from layer l+1 to layer l over a batch. Every array is row-major, one row per sample.
template <class T>
struct FlipPass {
  Size batch, n_upper, n_lower;
  const T* weight;             // (n_upper, n_lower)
  T step;                      // a flip of unit i moves z_j by step * w_ji: 1/tau, or 2/tau for bipolar units
  bool clip;                   // by `posterior` and `blended`: whether a weight is larger than Range::unclipped_weight
  const T* odds;               // (batch, n_upper)  exp(-s_j z_j), with the sign of s_j
  const T* eligibility;        // (batch, n_lower)  h_i - p_i, whose sign is c_i
  const T* unit_reward;        // (batch, n_upper)  T_j;             not read by `ratio`
  const T* advantage;          // (batch, n_upper)  A_j               read by `posterior` and `blended`
  const T* flipped_advantage;  // (batch, n_upper)  B_j               read by `posterior` and `blended`
  const T* ratio;              // (batch, n_upper)  lambda_j          read by `posterior` and `blended`
  const T* likelihood;         // (batch, n_upper)  q_j               read by `blended`
  const T* reward;             // (batch)           R                 read by `blended`
  T* advantage_out;            // (batch, n_lower)  A_i; by `difference` without its products
  T* gain_out;                 // (batch, n_lower)  1 - lambda_i      written by `ratio`, which writes no A_i
  T* flipped_advantage_out;    // (batch, n_lower)  B_i               written by `posterior` and `blended`
  T* ratio_out;                // (batch, n_lower)  lambda_i          written by `posterior`, `blended` and `ratio`
  T* scratch;                  // flip_scratch(n_upper) numbers
};

/// The likelihood ratios of one joint softmax action, a pass from the output to the last hidden layer.
template <class T>
struct SoftmaxPass {
  Size batch, n_out, n_hidden;
  const T* weight;              // (n_out, n_hidden)
  T step;                       // as in FlipPass
  const T* probability;         // (batch, n_out)     pi_k
  const T* activation;          // (batch, n_out)     one-hot
  const T* output_eligibility;  // (batch, n_out)  one-hot - pi
  const T* eligibility;         // (batch, n_hidden)  whose sign is c_i
  T* ratio_out;                 // (batch, n_hidden)  lambda_i
  T* gain_out;                  // (batch, n_hidden)  1 - lambda_i
  T* scratch;                   // flip_scratch(n_out) numbers
};

/// C = alpha * (A B + bias) with C (m, n), A (m, k), B (k, n). Element (r, c) of A and B is at r * row + c * column.
/// bias has n numbers, or is null.
template <class T>
struct Product {
  Size m, n, k;
  Size all_rows;  // m of the whole product, of which this may be a piece
  const T* a;
  Size a_row, a_column;
  const T* b;
  Size b_row, b_column;
  T* c;
  Size c_row;
  T alpha;
  const T* bias;
  T* scratch;  // product_scratch(*this) numbers
};

/// What the Bernoulli kernels write for each unit.
template <class T>
struct UnitArrays {
  T* activation;   // h, encoded
  T* probability;  // p
  T* eligibility;  // (1 if it fired, else 0) - p; its sign bit tells which, also where it is zero
  T* likelihood;   // q
  T* odds;         // (1 - q) / q = exp(-s z), with the sign of s
};

template <class T>
struct Adam {
  T beta1, one_minus_beta1, beta2, one_minus_beta2;
  T rate, root_scale, epsilon;  // w += rate * m / (root_scale * sqrt(v) + epsilon)
};

template <class T>
struct Kernels {
  Size (*product_scratch)(const Product<T>&);  // none for small products
  Size (*flip_scratch)(Size n_upper);

  /// z (n logits) -> UnitArrays, the activation drawn with one random word per unit.
  void (*draw)(Size n, const T* z, const std::uint32_t* words, bool bipolar, UnitArrays<T> out);
  /// The same for the activations that stand in out.activation: nothing is drawn.
  void (*evaluate)(Size n, const T* z, bool bipolar, UnitArrays<T> out);
  void (*multiply)(const Product<T>&);
  void (*flip)(FlipForm, const FlipPass<T>&);
  void (*softmax)(const SoftmaxPass<T>&);
  /// T_i of the posterior-weighted rule from A, B, lambda. Returns false if a number is out of the range in which the
  /// kernels are exact.
  bool (*combine_posterior)(Size n, const T* q, const T* e, const T* a, const T* b, const T* ratio, T* t);
  void (*adam)(Size n, const Adam<T>&, const T* g, T* m, T* v, T* w);
  T (*max_abs)(Size n, const T* x);  // NaN counts as infinity
  /// Z <- decay Z + e h^T for Z (rows, columns); returns the sum of |Z|.
  T (*trace)(Size rows, Size columns, T decay, const T* e, const T* h, T* z);
  /// y = c x, or y += c x.
  void (*scale)(Size n, bool add, T c, const T* x, T* y);
};

/// Philox words of units first, first + 1, ... of consecutive samples. A counter gives a block of four words, so the n
/// units of a sample take n / 4 blocks, rounded up. The output has room for samples * blocks * 4 words, rounded up to
/// words_block.
struct Words {
  std::uint64_t seed, step;
  std::uint32_t stream, layer;
  std::uint32_t sample;  // the first
  Size samples;
  Size first, n;  // `first` is a multiple of 4
};
inline constexpr Size words_block = 64;

struct Level {
  const char* name;
  bool (*supported)();
  const Kernels<float>* f32;
  const Kernels<double>* f64;
  void (*words)(const Words&, std::uint32_t* out);
};

/// The range in which the flip kernels are exact. What leaves it goes through the slow arithmetic of
/// rules/out_of_range.hpp. In the derivations, x = odds exp(weight) is exp(-s z) of a flipped unit (flip.inl.hpp). The
/// results are for float32 and float64, whose largest numbers are 3e38 and 2e308, the smallest normal ones 1e-38 and
/// 2e-308.
///
/// odds: against an action. One beyond it is drawn once in `odds` times, so few samples are slow. The ratio lambda of a
/// layer has the same bound.
///
/// weight: by which a flip moves a logit. exp(-weight) is a normal number (1e-24, 2e-174), and x is far from overflow
/// (8e29, 5e180).
///
/// most: to which x is clipped where a kernel divides by (1 + x)(1 + lambda x), which is then at most most^2 odds
/// (1e30, 1e207). Clipping changes kappa by at most odds / most (1e-6, 1e-93).
///
/// unclipped_weight: below it x is not clipped, since that divisor is at most odds^3 exp(2 weight) (9e37, 4e281).
///
/// joint_weight: below a softmax. A flip moves a difference of logits by up to twice as much. A class whose probability
/// is 0 in this precision must stay negligible: the smallest normal number times exp(2 weight) is 7e-24 and 2e-169.
template <class T>
struct Range;
template <>
struct Range<float> {
  static constexpr float weight = 55.0f, unclipped_weight = 23.0f, joint_weight = 17.0f, odds = 1e6f, most = 1e12f;
};
template <>
struct Range<double> {
  static constexpr double weight = 400.0, unclipped_weight = 300.0, joint_weight = 160.0, odds = 1e7, most = 1e100;
};

/// The levels of this build, narrowest first, and the one in use.
const Level* const* levels(std::size_t& count);
const Level& level();

template <class T>
const Kernels<T>& active();
template <>
inline const Kernels<float>& active<float>() {
  return *level().f32;
}
template <>
inline const Kernels<double>& active<double>() {
  return *level().f64;
}

}  // namespace uwm::kernels
