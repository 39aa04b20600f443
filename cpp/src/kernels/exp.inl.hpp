// exp(x) to about one unit in the last place: x = k ln 2 + r with |r| <= ln(2)/2, and a polynomial for exp(r). |x| must
// be at most Lane::exp_range, so that the result is a normal number.

template <class T>
struct Series;
template <>
struct Series<float> {  // (exp(r) - 1) / r interpolated at the Chebyshev nodes: relative error 5e-9
  static constexpr float coefficient[] = {1.0f,           1.0f,          0.5f, 0.16666504937f, 0.041666464602f,
                                          0.00836918438f, 0.00139336859f};
};
template <>
struct Series<double> {  // 1 / d!
  static constexpr double coefficient[] = {
      1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
      1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
};

/// exp of U vectors, which go through the steps together: the arithmetic of one fills the waiting time of the others.
template <class T, int U>
inline void exp(Vec<T> (&x)[U]) {
  constexpr int degree = sizeof(Series<T>::coefficient) / sizeof(T) - 1;
  constexpr T ln2_high = sizeof(T) == 4 ? T(0.693359375) : T(0.693147180369123816490);
  constexpr T ln2_low = sizeof(T) == 4 ? T(-2.12194440054690583e-4) : T(1.90821492927058770002e-10);
  Vec<T> shifted[U], r[U], series[U];
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u) shifted[u] = x[u] * T(1.44269504088896340736) + Lane<T>::magic;
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u) {
    const Vec<T> k = shifted[u] - Lane<T>::magic;
    r[u] = (x[u] - k * ln2_high) - k * ln2_low;
    series[u] = broadcast<T>(Series<T>::coefficient[degree]);
  }
#pragma GCC unroll 16
  for (int d = degree - 1; d >= 0; --d)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) series[u] = series[u] * r[u] + Series<T>::coefficient[d];
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u) {
    const Mask<T> exponent = bits<T>(shifted[u]) + Lane<T>::bias;  // the magic number's own low bits are zero
    x[u] = series[u] * from_bits<T>(exponent << Lane<T>::mantissa);
  }
}
