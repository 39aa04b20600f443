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
  static constexpr float exp_range = 87.0f;    // exp of -87 ... 87 is a normal number
};
template <>
struct Lane<double> {
  using Int = std::int64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 6755399441055744.0;
  static constexpr double exp_range = 708.0;
};

template <class T, int bytes>
struct Narrow {
  typedef T Type __attribute__((vector_size(bytes)));
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

template <class T>
constexpr Mask<T> lane_numbers() {
  Mask<T> m{};
  for (int l = 0; l < lanes<T>; ++l) m[l] = l;
  return m;
}

/// The first n lanes; the others are zero.
template <class T>
inline Vec<T> load(const T* p, Size n) {
  if (n == lanes<T>) return load<T>(p);
#if defined(__AVX512F__)
  const auto used = (1u << n) - 1u;
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Vec<T>>(_mm512_maskz_loadu_ps(static_cast<__mmask16>(used), p));
  else
    return reinterpret_cast<Vec<T>>(_mm512_maskz_loadu_pd(static_cast<__mmask8>(used), p));
#elif defined(__AVX2__)
  const Mask<T> used = lane_numbers<T>() < static_cast<typename Lane<T>::Int>(n);
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Vec<T>>(_mm256_maskload_ps(p, reinterpret_cast<__m256i>(used)));
  else
    return reinterpret_cast<Vec<T>>(_mm256_maskload_pd(p, reinterpret_cast<__m256i>(used)));
#else
  Vec<T> v{};
  for (Size l = 0; l < n; ++l) v[l] = p[l];
  return v;
#endif
}

template <class T>
inline void store(T* p, Vec<T> v, Size n) {
  if (n == lanes<T>) return store<T>(p, v);
#if defined(__AVX512F__)
  const auto used = (1u << n) - 1u;
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>(used), reinterpret_cast<__m512>(v));
  else
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>(used), reinterpret_cast<__m512d>(v));
#elif defined(__AVX2__)
  // In pieces: a masked store takes tens of cycles on some processors.
  const auto pieces = reinterpret_cast<__m256>(v);
  __m128 rest = _mm256_castps256_ps128(pieces);
  auto* out = reinterpret_cast<char*>(p);
  const auto bytes = static_cast<unsigned>(n) * static_cast<unsigned>(sizeof(T));
  if (bytes & 16) {
    __builtin_memcpy(out, &rest, 16);
    out += 16;
    rest = _mm256_extractf128_ps(pieces, 1);
  }
  if (bytes & 8) {
    __builtin_memcpy(out, &rest, 8);
    out += 8;
    rest = _mm_movehl_ps(rest, rest);
  }
  if (bytes & 4) __builtin_memcpy(out, &rest, 4);
#else
  for (Size l = 0; l < n; ++l) p[l] = v[l];
#endif
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
constexpr typename Lane<T>::Int sign_bit =
    static_cast<typename Lane<T>::Int>(static_cast<std::uint64_t>(1) << (8 * sizeof(T) - 1));

/// All ones where the sign bit is set, -0 included.
template <class T>
inline Mask<T> negative(Vec<T> v) {
  return bits<T>(v) < 0;
}

template <class T>
inline Vec<T> absolute(Vec<T> v) {
  return from_bits<T>(bits<T>(v) & ~sign_bit<T>);
}

// Each is one instruction. A comparison and a choice would be more, since they treat NaN otherwise.
#if defined(__AVX512F__)
inline __m512 smaller_of(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
inline __m512d smaller_of(__m512d a, __m512d b) { return _mm512_min_pd(a, b); }
inline __m512 larger_of(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
inline __m512d larger_of(__m512d a, __m512d b) { return _mm512_max_pd(a, b); }
#elif defined(__AVX__)
inline __m256 smaller_of(__m256 a, __m256 b) { return _mm256_min_ps(a, b); }
inline __m256d smaller_of(__m256d a, __m256d b) { return _mm256_min_pd(a, b); }
inline __m256 larger_of(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
inline __m256d larger_of(__m256d a, __m256d b) { return _mm256_max_pd(a, b); }
#elif defined(__SSE2__)
inline __m128 smaller_of(__m128 a, __m128 b) { return _mm_min_ps(a, b); }
inline __m128d smaller_of(__m128d a, __m128d b) { return _mm_min_pd(a, b); }
inline __m128 larger_of(__m128 a, __m128 b) { return _mm_max_ps(a, b); }
inline __m128d larger_of(__m128d a, __m128d b) { return _mm_max_pd(a, b); }
#else
template <class V>
inline V smaller_of(V a, V b) {
  return a < b ? a : b;
}
template <class V>
inline V larger_of(V a, V b) {
  return a > b ? a : b;
}
#endif

template <class T>
inline Vec<T> minimum(Vec<T> a, Vec<T> b) {
  return smaller_of(a, b);
}

template <class T>
inline Vec<T> maximum(Vec<T> a, Vec<T> b) {
  return larger_of(a, b);
}

/// Sum of the lanes, the vector folded in half again and again.
template <class T, int bytes = vector_bytes>
inline T sum(typename Narrow<T, bytes>::Type v) {
  if constexpr (bytes == 2 * sizeof(T)) {
    return v[0] + v[1];
  } else {
    typename Narrow<T, bytes / 2>::Type low, high;
    __builtin_memcpy(&low, &v, bytes / 2);
    __builtin_memcpy(&high, reinterpret_cast<const char*>(&v) + bytes / 2, bytes / 2);
    return sum<T, bytes / 2>(low + high);
  }
}

/// The sum of each of n vectors, in the order in which sum() adds.
template <class T, int n>
inline void sum_each(const Vec<T>* v, T* sums) {
#if defined(__AVX__)
  if constexpr (sizeof(T) == 4 && n == 8) {
    __m256 half[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      __builtin_memcpy(&half[i], &v[i], sizeof half[i]);
      if constexpr (vector_bytes == 64) {
        __m256 upper;
        __builtin_memcpy(&upper, reinterpret_cast<const char*>(&v[i]) + sizeof upper, sizeof upper);
        half[i] = _mm256_add_ps(half[i], upper);
      }
    }
    // Vector i in the lower half, vector i + 4 in the upper, each folded to four numbers, then to two, then to one.
    __m256 four[4], two[2];
#pragma GCC unroll 8
    for (int i = 0; i < 4; ++i)
      four[i] = _mm256_add_ps(_mm256_permute2f128_ps(half[i], half[i + 4], 0x20),
                              _mm256_permute2f128_ps(half[i], half[i + 4], 0x31));
#pragma GCC unroll 8
    for (int i = 0; i < 2; ++i)
      two[i] = _mm256_add_ps(_mm256_shuffle_ps(four[2 * i], four[2 * i + 1], 0x44),
                             _mm256_shuffle_ps(four[2 * i], four[2 * i + 1], 0xEE));
    _mm256_storeu_ps(sums,
                     _mm256_add_ps(_mm256_shuffle_ps(two[0], two[1], 0x88), _mm256_shuffle_ps(two[0], two[1], 0xDD)));
    return;
  }
#endif
  for (int i = 0; i < n; ++i) sums[i] = sum<T>(v[i]);
}

#if defined(__AVX__)
/// Makes columns of rows: pairs of numbers change places, then pairs of pairs, then halves.
inline void transpose(__m256 (&rows)[8]) {
  __m256 pairs[8], quads[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4)
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      quads[i + 2 * h] = _mm256_shuffle_ps(pairs[i + h], pairs[i + 2 + h], 0x44);
      quads[i + 2 * h + 1] = _mm256_shuffle_ps(pairs[i + h], pairs[i + 2 + h], 0xEE);
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
  }
}
#endif

/// Does f(i, lanes in use) for every vector of n numbers, the last one perhaps partial.
template <class T, class F>
inline void for_each_vector(Size n, F f) {
  Size i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i, Size{lanes<T>});
  if (i < n) f(i, n - i);
}
