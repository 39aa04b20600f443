// Adam (Kingma and Ba, 2015) in the direction of ascent, the bias corrections folded into three constants.

inline float square_root(float x) { return __builtin_sqrtf(x); }
inline double square_root(double x) { return __builtin_sqrt(x); }

template <class T>
void adam(Size n, const Adam<T>& c, const T* g, T* m, T* v, T* w) {
  for_each_vector<T>(n, [=](Size i, Size used) {
    const Vec<T> gradient = load<T>(g + i, used);
    const Vec<T> first = c.beta1 * load<T>(m + i, used) + c.one_minus_beta1 * gradient;
    const Vec<T> second = c.beta2 * load<T>(v + i, used) + c.one_minus_beta2 * gradient * gradient;
    store<T>(m + i, first, used);
    store<T>(v + i, second, used);
    Vec<T> root;
    for (int l = 0; l < lanes<T>; ++l) root[l] = square_root(second[l]);
    store<T>(w + i, load<T>(w + i, used) + c.rate * first / (c.root_scale * root + c.epsilon), used);
  });
}

template <class T>
T max_abs(Size n, const T* x) {
  Vec<T> most{};
  Mask<T> nan{};
  for_each_vector<T>(n, [&](Size i, Size used) {
    const Vec<T> v = absolute<T>(load<T>(x + i, used));
    nan |= v != v;
    most = maximum<T>(most, v);
  });
  T result = 0;
  for (int l = 0; l < lanes<T>; ++l) result = nan[l] ? T(__builtin_inf()) : most[l] > result ? most[l] : result;
  return result;
}
