// The Bernoulli-logistic unit: p = sigma(z), h = 1 with probability p. The more likely action has probability 1/(1+e),
// the other e/(1+e), where e = exp(-|z|). Everything is made from e, so that neither tail loses precision.

/// U vectors of logits, and exp(-|z|) of each. Where that is below the range of exp, it is the smallest number of the
/// range.
template <class T, int U>
struct Logits {
  Vec<T> z[U], e[U];

  Logits(const T* logit, Size n) {
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      z[u] = load<T>(logit + u * lanes<T>, u + 1 < U ? lanes<T> : n - (U - 1) * lanes<T>);
      e[u] = maximum<T>(-absolute<T>(z[u]), broadcast<T>(-Lane<T>::exp_range));
    }
    exp<T>(e);
  }
};

template <class T>
inline void write_units(Size i, Size n, Vec<T> z, Mask<T> fired, bool bipolar, UnitArrays<T> out, Vec<T> e,
                        Vec<T> large) {
  const Mask<T> low = z < 0;               // the unit is more likely silent
  const Mask<T> likely = ~(fired ^ ~low);  // the action taken is the more likely one
  const Vec<T> small = e * large;
  const Vec<T> q = likely ? large : small, not_q = likely ? small : large;
  const Vec<T> odds = likely ? e : 1 / e;
  const Mask<T> sign = ~fired & sign_bit<T>;
  const Vec<T> silent = broadcast<T>(bipolar ? T(-1) : T(0));
  store<T>(out.activation + i, fired ? broadcast<T>(1) : silent, n);
  store<T>(out.probability + i, low ? small : large, n);
  store<T>(out.eligibility + i, from_bits<T>(bits<T>(not_q) | sign), n);
  store<T>(out.likelihood + i, q, n);
  store<T>(out.odds + i, from_bits<T>(bits<T>(odds) | sign), n);
}

/// Widens the signed words to the lanes of T.
template <class T>
inline Mask<T> load_words(const std::uint32_t* words) {
  Mask<T> m;
  if constexpr (sizeof(T) == 4) {
    __builtin_memcpy(&m, words, sizeof m);
  } else {
    typedef std::int32_t Half __attribute__((vector_size(vector_bytes / 2)));
    Half half;
    __builtin_memcpy(&half, words, sizeof half);
    m = __builtin_convertvector(half, Mask<T>);
  }
  return m;
}

/// A unit fires if u < p with u = (word + 1/2) / 2^32. Both are measured from the nearer end of [0, 1], where a float
/// keeps its relative precision. Below one half, u = (m + 1/2) / 2^32 with m = word. Above it, 1 - u = (m + 1/2) / 2^32
/// with m = ~word.
template <class T>
inline Mask<T> fires(Vec<T> z, Vec<T> small, Mask<T> word) {
  const Mask<T> upper = word < 0;  // u > 1/2
  const Vec<T> distance = (__builtin_convertvector(word ^ upper, Vec<T>) + T(0.5)) * T(0x1p-32);
  const Mask<T> within = distance < small;
  const Mask<T> low = z < 0;
  return (low & ~upper & within) | (~low & ~(upper & within));
}

/// Does f(i, z, exp(-|z|), lanes in use) for every vector of n units, two at a time.
template <class T, class F>
inline void for_each_logits(Size n, const T* z, F f) {
  Size i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
    const Logits<T, 2> logits(z + i, 2 * lanes<T>);
    f(i, logits.z[0], logits.e[0], Size{lanes<T>});
    f(i + lanes<T>, logits.z[1], logits.e[1], Size{lanes<T>});
  }
  for (; i < n; i += lanes<T>) {
    const Size used = n - i < lanes<T> ? n - i : lanes<T>;
    const Logits<T, 1> logits(z + i, used);
    f(i, logits.z[0], logits.e[0], used);
  }
}

template <class T>
void draw(Size n, const T* z, const std::uint32_t* words, bool bipolar, UnitArrays<T> out) {
  for_each_logits<T>(n, z, [=](Size i, Vec<T> logit, Vec<T> e, Size used) __attribute__((always_inline)) {
    const Vec<T> large = 1 / (1 + e);
    const Mask<T> fired = fires<T>(logit, e * large, load_words<T>(words + i));
    write_units<T>(i, used, logit, fired, bipolar, out, e, large);
  });
}

template <class T>
void evaluate(Size n, const T* z, bool bipolar, UnitArrays<T> out) {
  for_each_logits<T>(n, z, [=](Size i, Vec<T> logit, Vec<T> e, Size used) __attribute__((always_inline)) {
    const Mask<T> fired = load<T>(out.activation + i, used) > 0;
    write_units<T>(i, used, logit, fired, bipolar, out, e, 1 / (1 + e));
  });
}
