// exp(x) to about one unit in the last place: x = k ln 2 + r, |r| <= ln(2)/2, and the series of exp(r).
// Arguments are clipped to the range in which the result is a normal number.

template <class T>
inline Vec<T> exp(Vec<T> x) {
  constexpr int degree = sizeof(T) == 4 ? 7 : 13;
  constexpr T ln2_high = sizeof(T) == 4 ? T(0.693359375) : T(0.693147180369123816490);
  constexpr T ln2_low = sizeof(T) == 4 ? T(-2.12194440054690583e-4) : T(1.90821492927058770002e-10);
  x = minimum<T>(maximum<T>(x, broadcast<T>(Lane<T>::lowest)), broadcast<T>(Lane<T>::highest));
  const Vec<T> shifted = x * T(1.44269504088896340736) + Lane<T>::magic;
  const Vec<T> k = shifted - Lane<T>::magic;
  const Vec<T> r = (x - k * ln2_high) - k * ln2_low;
  T factorial = 1;
  for (int d = 2; d <= degree; ++d) factorial *= T(d);
  Vec<T> series = broadcast<T>(1 / factorial);
#pragma GCC unroll 16
  for (int d = degree; d >= 1; --d) {
    factorial /= T(d);
    series = series * r + 1 / factorial;
  }
  const Mask<T> exponent = bits<T>(shifted) + Lane<T>::bias;  // the magic number's own low bits are zero
  return series * from_bits<T>(exponent << Lane<T>::mantissa);
}
