#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "uwm/rules.hpp"
#include "work/nearest.hpp"

namespace uwm {

/// A number m * 2^e with the precision of a double and an exponent that does not run out: likelihood ratios of
/// units with weights of 1e4 reach exp(1e4), and of a sharp Gaussian exp(1e30). A power of 2 beyond 2^(+-2^59) is cut
/// off there: it has to be finite, and no logit below 1e17 comes near it.
///
/// A ratio is never kept as its logarithm. The logarithm of exp(1e17) has no digits left for the factors near 1 that
/// the ratio is multiplied with.
class Extended {
 public:
  Extended() = default;
  explicit Extended(double value) : Extended(value, 0) {}
  /// exp(x); exp(-infinity) = 0.
  static Extended exp(double x) {
    if (x == -std::numeric_limits<double>::infinity()) return Extended();
    constexpr double ln2 = 0x1.62e42fefa39efp-1, rest_of_ln2 = 0x1.abc9e3b39803fp-56, limit = 0x1p59 * ln2;
    x = std::clamp(x, -limit, limit);
    const double e = std::floor(x / ln2);
    return Extended(std::exp(std::fma(-e, rest_of_ln2, std::fma(-e, ln2, x))), static_cast<std::int64_t>(e));
  }

  friend Extended operator*(const Extended& a, const Extended& b) { return Extended(a.m_ * b.m_, a.e_ + b.e_); }
  friend Extended operator/(const Extended& a, const Extended& b) { return Extended(a.m_ / b.m_, a.e_ - b.e_); }
  friend Extended operator+(const Extended& a, const Extended& b) {
    if (a.m_ == 0) return b;
    if (b.m_ == 0) return a;
    if (a.e_ < b.e_) return b + a;
    const std::int64_t gap = a.e_ - b.e_;
    return gap > 2000 ? a : Extended(a.m_ + std::ldexp(b.m_, -static_cast<int>(gap)), a.e_);
  }
  Extended magnitude() const { return m_ < 0 ? -*this : *this; }
  Extended operator-() const { return Extended(-m_, e_); }
  friend Extended operator-(const Extended& a, const Extended& b) { return a + (-b); }

  /// The nearest T; beyond the range of T its largest finite number.
  template <class T>
  T to() const {
    const std::int64_t range = 3000;
    return nearest<T>(std::ldexp(m_, static_cast<int>(std::clamp(e_, -range, range))));
  }

 private:
  Extended(double m, std::int64_t e) {
    constexpr std::int64_t most = std::int64_t{1} << 61;  // twice that is an int64 still
    int shift = 0;
    m_ = std::frexp(m, &shift);
    e_ = m_ == 0 ? 0 : std::clamp(e + shift, -most, most);
  }
  double m_ = 0;
  std::int64_t e_ = 0;
};

/// The unit rewards of one sample in arithmetic that neither overflows nor underflows: slow, for samples whose weights,
/// odds or likelihood ratios leave the range of the kernels. Writes row s of every hidden layer of `out`.
template <class T>
void out_of_range_rewards(FlipForm form, const Network<T>& net, const Sample<T>& sample, Index s, double reward,
                          UnitRewards<T>& out);

}  // namespace uwm
