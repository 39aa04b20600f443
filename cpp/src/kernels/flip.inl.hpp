// The unbiased family's pass from layer l+1 (units j) down to layer l (units i). For every sample and unit i, over j
// from last to first, with a_j = exp(-s_j z_j) and x = a_j exp(s_j c_i w_ji):
//
//   1 - kappa_ji = (x - a_j) / (1 + x)          kappa_ji = (1 + a_j) / (1 + x)
//   T_j' = (A_j - B_j x) / ((1 + x)(1 + lambda_j x))
//   A_i <- A_i + (1 - kappa_ji) (T_j - A_i)
//   B_i <- B_i - lambda_i (1 - kappa_ji) T_j'    (lambda_i before its update)
//   lambda_i <- lambda_i kappa_ji
//   gain_i <- gain_i + (1 - kappa_ji) (1 - gain_i)          1 - lambda_i, with the digits that the difference loses
//
// `blended` keeps two numbers more, and mixes A_i and B_i with what the reward R says of the layer as one joint
// action. The share of that grows smoothly from 0 to 1 with m_i, the probability of two or more of independent events
// of probability d_j:
//
//   m_i <- m_i + d_j one_i                               d_j = (q_j (1 - kappa_ji))^2; one_i before its update
//   one_i <- one_i + d_j (1 - m_i - 2 one_i)             the probability of exactly one; m_i before its update
//   share_i = m_i^2 (3 - 2 m_i)                                                                              at the end
//   A_i <- A_i + share_i ((1 - lambda_i) R - A_i)        B_i <- B_i + share_i (-(1 - lambda_i) R - B_i)
//
// 1 - lambda loses digits where lambda is near 1. What is lost is no more than a rounding error of R, times share_i.
//
// 1 - kappa is made from x - a. The difference of 1 and kappa would have no digits where unit j is nearly certain.
// At a Bernoulli output (A_j, B_j, lambda_j) = (R, -R, 0), which makes T_j' = R.
//
// A strip of units i is held in registers. exp(+-w) of the strip's weights is computed beforehand. The samples of a
// batch share a table of both signs; with few samples, each computes the sign that it needs.

constexpr int strip_vectors = 2;

template <class T>
constexpr Size strip_lanes = strip_vectors * lanes<T>;

/// How many samples make a table of exp(+-w) pay. A table takes two exponentials per weight, a sample alone takes one.
/// With 2 samples both ways cost the same, measured on one machine.
constexpr Size table_batch = 3;

template <class T>
Size flip_scratch(Size n_upper) {
  return 2 * strip_lanes<T> * n_upper;
}

/// How many lanes of vector v a strip of `width` units fills.
template <class T>
inline Size lanes_used(Size width, int v) {
  const Size rest = width - v * lanes<T>;
  return rest < 0 ? 0 : rest < lanes<T> ? rest : lanes<T>;
}

/// Row j of the strip's weights, times step.
template <class T>
inline void load_weights(const T* weight, T step, const Size (&used)[strip_vectors], Vec<T> (&w)[strip_vectors]) {
#pragma GCC unroll 4
  for (int v = 0; v < strip_vectors; ++v) w[v] = step * load<T>(weight + (used[v] ? v * lanes<T> : 0), used[v]);
}

template <class T>
inline void strip_lanes_used(Size width, Size (&used)[strip_vectors]) {
#pragma GCC unroll 4
  for (int v = 0; v < strip_vectors; ++v) used[v] = lanes_used<T>(width, v);
}

/// For each row j of the strip's weights: E = exp(step w), then the bits in which E and 1/E differ.
template <class T>
inline void fill_table(const T* weight, Size n_upper, Size n_lower, T step, Size first, Size width, T* scratch) {
  constexpr int V = strip_vectors;
  Size used[V];
  strip_lanes_used<T>(width, used);
  for (Size j = 0; j < n_upper; ++j, scratch += 2 * strip_lanes<T>) {
    Vec<T> plus[V], minus[V];
    load_weights<T>(weight + j * n_lower + first, step, used, plus);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) minus[v] = -plus[v];
    exp<T>(plus);
    exp<T>(minus);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      store<T>(scratch + v * lanes<T>, plus[v]);
      store<T>(scratch + strip_lanes<T> + v * lanes<T>, from_bits<T>(bits<T>(plus[v]) ^ bits<T>(minus[v])));
    }
  }
}

/// E, or 1/E where the lane is marked.
template <class T>
inline Vec<T> look_up(const T* table, int v, Mask<T> inverse) {
  return from_bits<T>(bits<T>(load<T>(table + v * lanes<T>)) ^
                      (bits<T>(load<T>(table + strip_lanes<T> + v * lanes<T>)) & inverse));
}

/// For each row j of the strip's weights: exp(s_j c_i step w) for the actions of one sample.
template <class T>
inline void fill_signed(const FlipPass<T>& p, Size s, Size first, Size width) {
  constexpr int V = strip_vectors;
  Size used[V];
  strip_lanes_used<T>(width, used);
  Mask<T> silent[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v)
    silent[v] = negative<T>(load<T>(p.eligibility + s * p.n_lower + first + v * lanes<T>, used[v]));
  for (Size j = 0; j < p.n_upper; ++j) {
    const Mask<T> negative_j = negative<T>(broadcast<T>(p.odds[s * p.n_upper + j]));
    Vec<T> e[V];
    load_weights<T>(p.weight + j * p.n_lower + first, p.step, used, e);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      e[v] = from_bits<T>(bits<T>(e[v]) ^ ((silent[v] ^ negative_j) & sign_bit<T>));  // s_j c_i = -1
    exp<T>(e);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store<T>(p.scratch + j * 2 * strip_lanes<T> + v * lanes<T>, e[v]);
  }
}

/// Mixes A_i and B_i with what the reward says of the layer as one joint action: `joint`, (1 - lambda_i) R.
template <class T>
inline void blend(Vec<T> many, Vec<T> joint, Vec<T>& A, Vec<T>& B) {
  const Vec<T> share = many * many * (3 - 2 * many);
  A += share * (joint - A);
  B -= share * (joint + B);
}

/// One strip for one sample. With `both`, the table holds exp(w) and exp(-w), else the one that the sample needs.
template <class T, FlipForm form, bool both, bool clip>
inline void flip_strip(const FlipPass<T>& p, Size s, Size first, Size width) {
  constexpr int V = strip_vectors;
  constexpr bool both_sides = form == FlipForm::posterior || form == FlipForm::blended;
  constexpr bool with_advantage = form == FlipForm::two_sided || both_sides;
  constexpr bool with_ratio = form == FlipForm::ratio || both_sides;
  const Size upper = s * p.n_upper, lower = s * p.n_lower + first;
  Size used[V];
  strip_lanes_used<T>(width, used);
  Mask<T> silent[V];  // c_i < 0
  for (int v = 0; v < V; ++v) silent[v] = negative<T>(load<T>(p.eligibility + lower + v * lanes<T>, used[v]));
  Vec<T> A[V] = {}, B[V] = {}, gain[V] = {}, one[V] = {}, many[V] = {}, ratio[V];
  for (int v = 0; v < V; ++v) ratio[v] = broadcast<T>(1);
  const Vec<T> limit = broadcast<T>(Range<T>::most);
  for (Size j = p.n_upper - 1; j >= 0; --j) {
    const Vec<T> signed_odds = broadcast<T>(p.odds[upper + j]);
    const Mask<T> negative_j = negative<T>(signed_odds);
    const Vec<T> a = absolute<T>(signed_odds), one_plus_a = 1 + a;
    const T* table = p.scratch + j * 2 * strip_lanes<T>;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const Vec<T> e = both ? look_up<T>(table, v, silent[v] ^ negative_j) : load<T>(table + v * lanes<T>);
      const Vec<T> x = clip ? minimum<T>(a * e, limit) : a * e;
      const Vec<T> one_plus_x = 1 + x;
      Vec<T> inverse, reward_if_flipped;
      if constexpr (both_sides) {
        const Vec<T> y = 1 + p.ratio[upper + j] * x;
        const Vec<T> inverse_product = 1 / (one_plus_x * y);
        reward_if_flipped = (p.advantage[upper + j] - p.flipped_advantage[upper + j] * x) * inverse_product;
        inverse = inverse_product * y;
      } else {
        inverse = 1 / one_plus_x;
      }
      const Vec<T> difference = (x - a) * inverse;
      if constexpr (form == FlipForm::difference) A[v] += difference * p.unit_reward[upper + j];
      if constexpr (with_advantage) A[v] += difference * (p.unit_reward[upper + j] - A[v]);
      if constexpr (form == FlipForm::ratio) gain[v] += difference * (1 - gain[v]);
      if constexpr (both_sides) B[v] -= ratio[v] * difference * reward_if_flipped;
      if constexpr (form == FlipForm::blended) {
        const Vec<T> change = p.likelihood[upper + j] * difference, d = change * change;
        const Vec<T> none_less_one = 1 - many[v] - 2 * one[v];
        many[v] += d * one[v];
        one[v] += d * none_less_one;
      }
      if constexpr (with_ratio) ratio[v] *= one_plus_a * inverse;
    }
  }
  for (int v = 0; v < V; ++v) {
    const Size at = lower + v * lanes<T>;
    if constexpr (form == FlipForm::blended) blend<T>(many[v], (1 - ratio[v]) * p.reward[s], A[v], B[v]);
    if constexpr (form == FlipForm::ratio)
      store<T>(p.gain_out + at, gain[v], used[v]);
    else
      store<T>(p.advantage_out + at, A[v], used[v]);
    if constexpr (both_sides) store<T>(p.flipped_advantage_out + at, B[v], used[v]);
    if constexpr (with_ratio) store<T>(p.ratio_out + at, ratio[v], used[v]);
  }
}

template <class T, FlipForm form, bool clip = false>
inline void flip_pass(const FlipPass<T>& p) {
  for (Size first = 0; first < p.n_lower; first += strip_lanes<T>) {
    const Size width = p.n_lower - first < strip_lanes<T> ? p.n_lower - first : strip_lanes<T>;
    if (p.batch >= table_batch) {
      fill_table<T>(p.weight, p.n_upper, p.n_lower, p.step, first, width, p.scratch);
      for (Size s = 0; s < p.batch; ++s) flip_strip<T, form, true, clip>(p, s, first, width);
    } else {
      for (Size s = 0; s < p.batch; ++s) {
        fill_signed<T>(p, s, first, width);
        flip_strip<T, form, false, clip>(p, s, first, width);
      }
    }
  }
}

template <class T>
void flip(FlipForm form, const FlipPass<T>& p) {
  switch (form) {
    case FlipForm::two_sided:
    case FlipForm::one_sided:
      return flip_pass<T, FlipForm::two_sided>(p);
    case FlipForm::posterior:
      return p.clip ? flip_pass<T, FlipForm::posterior, true>(p) : flip_pass<T, FlipForm::posterior>(p);
    case FlipForm::blended:
      return p.clip ? flip_pass<T, FlipForm::blended, true>(p) : flip_pass<T, FlipForm::blended>(p);
    case FlipForm::ratio:
      return flip_pass<T, FlipForm::ratio>(p);
    case FlipForm::difference:
      return flip_pass<T, FlipForm::difference>(p);
  }
}

/// lambda_i = exp(-c_i w_ai) / sum_k pi_k exp(-c_i w_ki), where a is the action taken. 1 - lambda_i is made from the
/// eligibilities [k = a] - pi_k, which keep their digits where the action was nearly certain.
template <class T>
void softmax(const SoftmaxPass<T>& p) {
  constexpr int V = strip_vectors;
  for (Size first = 0; first < p.n_hidden; first += strip_lanes<T>) {
    const Size width = p.n_hidden - first < strip_lanes<T> ? p.n_hidden - first : strip_lanes<T>;
    fill_table<T>(p.weight, p.n_out, p.n_hidden, p.step, first, width, p.scratch);
    for (Size s = 0; s < p.batch; ++s) {
      for (int v = 0; v < V; ++v) {
        const Size used = lanes_used<T>(width, v), at = s * p.n_hidden + first + v * lanes<T>;
        if (used == 0) break;
        const Mask<T> fired = ~negative<T>(load<T>(p.eligibility + at, used));
        Vec<T> total{}, chosen{}, gain{};
        for (Size k = 0; k < p.n_out; ++k) {
          const Vec<T> e = look_up<T>(p.scratch + k * 2 * strip_lanes<T>, v, fired);
          total += p.probability[s * p.n_out + k] * e;
          chosen += p.activation[s * p.n_out + k] * e;
          gain -= p.output_eligibility[s * p.n_out + k] * e;
        }
        store<T>(p.ratio_out + at, chosen / total, used);
        store<T>(p.gain_out + at, gain / total, used);
      }
    }
  }
}

/// T_i = q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i), with 1 - q_i = |h_i - p_i|.
template <class T>
bool combine_posterior(Size n, const T* q, const T* e, const T* a, const T* b, const T* ratio, T* t) {
  Mask<T> outside{};
  for_each_vector<T>(n, [&](Size i, Size used) {
    Vec<T> qi = load<T>(q + i, used);
    const Vec<T> not_q = absolute<T>(load<T>(e + i, used)), r = load<T>(ratio + i, used);
    if (used < lanes<T>)  // idle lanes divide by one
      qi = lane_numbers<T>() < static_cast<typename Lane<T>::Int>(used) ? qi : broadcast<T>(1);
    const Vec<T> reward = qi * (qi * load<T>(a + i, used) - not_q * load<T>(b + i, used)) / (qi + not_q * r);
    store<T>(t + i, reward, used);
    outside |= ~(absolute<T>(reward) < Range<T>::most * Range<T>::most) | ~(r < Range<T>::odds);
  });
  typename Lane<T>::Int any = 0;
  for (int l = 0; l < lanes<T>; ++l) any |= outside[l];
  return any == 0;
}
