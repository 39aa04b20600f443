// Vectors of the width of this level, in the compilers' own vector extension: one source for every
// instruction set and for both precisions.

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

template <class T>
struct Lane;
template <>
struct Lane<float> {
  using Int = std::int32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float lowest = -87.0f, highest = 88.0f;
};
template <>
struct Lane<double> {
  using Int = std::int64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 6755399441055744.0;
  static constexpr double lowest = -708.0, highest = 709.0;
};

template <class T>
struct VecOf {
  typedef T Type __attribute__((vector_size(vector_bytes)));
  typedef typename Lane<T>::Int Mask __attribute__((vector_size(vector_bytes)));
};
template <class T>
using Vec = typename VecOf<T>::Type;
template <class T>
using Mask = typename VecOf<T>::Mask;

template <class T>
constexpr int lanes = vector_bytes / static_cast<int>(sizeof(T));

template <class T>
inline Vec<T> load(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
inline void store(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

/// The first n lanes; the others are zero.
template <class T>
inline Vec<T> load(const T* p, Size n) {
  if (n == lanes<T>) return load<T>(p);
  Vec<T> v{};
  __builtin_memcpy(&v, p, static_cast<std::size_t>(n) * sizeof(T));
  return v;
}

template <class T>
inline void store(T* p, Vec<T> v, Size n) {
  if (n == lanes<T>) return store<T>(p, v);
  __builtin_memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(T));
}

template <class T>
inline Vec<T> broadcast(T x) {
  return Vec<T>{} + x;
}

template <class T>
inline Mask<T> bits(Vec<T> v) {
  return reinterpret_cast<Mask<T>>(v);
}

template <class T>
inline Vec<T> from_bits(Mask<T> m) {
  return reinterpret_cast<Vec<T>>(m);
}

template <class T>
constexpr typename Lane<T>::Int sign_bit = static_cast<typename Lane<T>::Int>(
    static_cast<std::uint64_t>(1) << (8 * sizeof(T) - 1));

/// All ones where the sign bit is set, -0 included.
template <class T>
inline Mask<T> negative(Vec<T> v) {
  return bits<T>(v) < 0;
}

template <class T>
inline Vec<T> absolute(Vec<T> v) {
  return from_bits<T>(bits<T>(v) & ~sign_bit<T>);
}

template <class T>
inline Vec<T> minimum(Vec<T> a, Vec<T> b) {
  return a < b ? a : b;
}

template <class T>
inline Vec<T> maximum(Vec<T> a, Vec<T> b) {
  return a > b ? a : b;
}

template <class T>
inline T sum(Vec<T> v) {
  T total = 0;
  for (int l = 0; l < lanes<T>; ++l) total += v[l];
  return total;
}

/// Does f(i, lanes in use) for every vector of n numbers, the last one perhaps partial.
template <class T, class F>
inline void for_each_vector(Size n, F f) {
  Size i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i, Size{lanes<T>});
  if (i < n) f(i, n - i);
}
