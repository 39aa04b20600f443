// The Bernoulli-logistic unit: p = sigma(z), h = 1 with probability p. Everything is made from
// e = exp(-|z|), so that neither tail loses precision: the more likely action has probability 1/(1+e), the
// other e/(1+e).

template <class T>
inline void write_units(Size i, Size n, Vec<T> z, Mask<T> fired, bool bipolar, Units<T> out, Vec<T> e) {
  const Mask<T> low = z < 0;               // the unit is more likely silent
  const Mask<T> likely = ~(fired ^ ~low);  // the action taken is the more likely one
  const Vec<T> large = 1 / (1 + e), small = e * large;
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

/// Fires iff u < p with u = (word + 1/2) / 2^32. Both u and p are compared from the nearer end of [0, 1], where a
/// float keeps its relative precision: below one half u = (m + 1/2) / 2^32 with m = word, above it
/// 1 - u = (m + 1/2) / 2^32 with m = ~word.
template <class T>
void draw(Size n, const T* z, const std::uint32_t* words, bool bipolar, Units<T> out) {
  for_each_vector<T>(n, [=](Size i, Size used) {
    const Vec<T> logit = load<T>(z + i, used);
    const Vec<T> e = exp<T>(-absolute<T>(logit));
    const Vec<T> small = e / (1 + e);
    const Mask<T> word = load_words<T>(words + i);
    const Mask<T> upper = word < 0;  // u > 1/2
    const Vec<T> distance = (__builtin_convertvector(word ^ upper, Vec<T>) + T(0.5)) * T(0x1p-32);
    const Mask<T> within = distance < small;
    const Mask<T> low = logit < 0;
    const Mask<T> fired = (low & ~upper & within) | (~low & ~(upper & within));
    write_units<T>(i, used, logit, fired, bipolar, out, e);
  });
}

template <class T>
void evaluate(Size n, const T* z, bool bipolar, Units<T> out) {
  for_each_vector<T>(n, [=](Size i, Size used) {
    const Vec<T> logit = load<T>(z + i, used);
    const Mask<T> fired = load<T>(out.activation + i, used) > 0;
    write_units<T>(i, used, logit, fired, bipolar, out, exp<T>(-absolute<T>(logit)));
  });
}
