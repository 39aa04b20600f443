// Adam (Kingma and Ba, 2015) in the direction of ascent. The bias corrections are folded into three constants.

inline float square_root(float x) { return __builtin_sqrtf(x); }
inline double square_root(double x) { return __builtin_sqrt(x); }

/// While it lives, numbers too small to be normal count as zeros. The moments of a parameter whose gradient stays zero
/// fade into that range, where arithmetic is several times slower.
class FlushToZero {
 public:
#if defined(__SSE2__)
  FlushToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~FlushToZero() { _mm_setcsr(before_); }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
  unsigned before_;
#endif
};

/// A product that is rounded before anything is added to it. Compilers fuse one of the two products in a * b + c * d
/// into the sum, and not always the same one. Results would then depend on the width of the vectors.
template <class T>
inline Vec<T> rounded(Vec<T> product) {
#if defined(__SSE2__)
  asm("" : "+x"(product));
#endif
  return product;
}

/// The largest gradient that Adam takes as it is. Its square, 2^126 or 2^1022, is finite.
template <class T>
constexpr T most_gradient = sizeof(T) == 4 ? T(0x1p63) : T(0x1p511);

template <class T>
void adam(Size n, const Adam<T>& c, const T* g, T* m, T* v, T* w) {
  [[maybe_unused]] const FlushToZero scope;
  for_each_vector<T>(n, [=](Size i, Size used) {
    const Vec<T> most = broadcast<T>(most_gradient<T>), given = load<T>(g + i, used);
    const Vec<T> below = given < most ? given : most;
    const Vec<T> gradient = below > -most ? below : -most;
    const Vec<T> first = c.beta1 * load<T>(m + i, used) + rounded<T>(c.one_minus_beta1 * gradient);
    const Vec<T> square = rounded<T>(c.one_minus_beta2 * gradient * gradient);
    const Vec<T> second = c.beta2 * load<T>(v + i, used) + square;
    store<T>(m + i, first, used);
    store<T>(v + i, second, used);
    Vec<T> root;
    for (int l = 0; l < lanes<T>; ++l) root[l] = square_root(second[l]);
    store<T>(w + i, load<T>(w + i, used) + c.rate * first / (c.root_scale * root + c.epsilon), used);
  });
}

/// The largest |x|; infinity if there is NaN. The bits of numbers without their sign, read as whole numbers, are in the
/// order of the numbers, with infinity and then NaN last.
template <class T>
T max_abs(Size n, const T* x) {
  Mask<T> most[2] = {};
  const auto count = [&](int k, Size i, Size used) __attribute__((always_inline)) {
    const Mask<T> m = bits<T>(absolute<T>(load<T>(x + i, used)));
    most[k] = m > most[k] ? m : most[k];
  };
  Size i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
    count(0, i, lanes<T>);
    count(1, i + lanes<T>, lanes<T>);
  }
  for (; i < n; i += lanes<T>) count(0, i, n - i < lanes<T> ? n - i : lanes<T>);
  most[0] = most[1] > most[0] ? most[1] : most[0];
  typename Lane<T>::Int largest = 0;
  for (int l = 0; l < lanes<T>; ++l) largest = most[0][l] > largest ? most[0][l] : largest;
  T result;
  __builtin_memcpy(&result, &largest, sizeof result);
  return result == result ? result : T(__builtin_inf());
}
