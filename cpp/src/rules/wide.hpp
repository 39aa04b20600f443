#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "uwm/rules.hpp"

namespace uwm {

/// A number m * 2^e with the precision of a double and an exponent that does not run out: likelihood ratios of
/// units with weights of 1e4 reach exp(1e4).
class Wide {
 public:
  Wide() = default;
  explicit Wide(double value) : Wide(value, 0) {}
  /// exp(x); exp(-infinity) = 0.
  static Wide exp(double x) {
    if (x == -std::numeric_limits<double>::infinity()) return Wide();
    const double e = std::floor(x / std::log(2.0));
    return Wide(std::exp(x - e * std::log(2.0)), static_cast<std::int64_t>(e));
  }

  friend Wide operator*(const Wide& a, const Wide& b) { return Wide(a.m_ * b.m_, a.e_ + b.e_); }
  friend Wide operator+(const Wide& a, const Wide& b) {
    if (a.m_ == 0) return b;
    if (b.m_ == 0) return a;
    if (a.e_ < b.e_) return b + a;
    const std::int64_t gap = a.e_ - b.e_;
    return gap > 2000 ? a : Wide(a.m_ + std::ldexp(b.m_, -static_cast<int>(gap)), a.e_);
  }
  Wide operator-() const { return Wide(-m_, e_); }
  friend Wide operator-(const Wide& a, const Wide& b) { return a + (-b); }

  /// The nearest T; beyond the range of T its largest finite number.
  template <class T>
  T to() const {
    constexpr double most = std::numeric_limits<T>::max();
    if (m_ == 0 || e_ < -3000) return 0;
    const double value = e_ > 3000 ? std::copysign(most, m_) : std::ldexp(m_, static_cast<int>(e_));
    return static_cast<T>(std::min(most, std::max(-most, value)));
  }

 private:
  Wide(double m, std::int64_t e) {
    int shift = 0;
    m_ = std::frexp(m, &shift);
    e_ = m_ == 0 ? 0 : e + shift;
  }
  double m_ = 0;
  std::int64_t e_ = 0;
};

/// The rules that weigh flips of a unit.
enum class FlipRule { posterior, blended, two_sided, one_sided, difference, posterior_reinforce };

/// The unit rewards of one sample in arithmetic that neither overflows nor underflows: slow, for samples whose weights,
/// odds or likelihood ratios leave the range of the kernels. Writes row s of every hidden layer of `out`.
template <class T>
void wide_unit_rewards(FlipRule rule, const Network<T>& net, const Sample<T>& sample, Index s, double reward,
                       UnitRewards<T>& out);

}  // namespace uwm
