// Eligibility traces: Z <- decay Z + e h^T, and sums of traces.

/// Z is (rows, columns), row-major. Returns the sum of |Z|.
template <class T>
T trace(Size rows, Size columns, T decay, const T* e, const T* h, T* z) {
  [[maybe_unused]] const FlushToZero scope;
  Vec<T> sum{};
  for (Size j = 0; j < rows; ++j, z += columns) {
    const Vec<T> factor = broadcast<T>(e[j]);
    for_each_vector<T>(columns, [&](Size i, Size used) __attribute__((always_inline)) {
      const Vec<T> made = decay * load<T>(z + i, used) + rounded<T>(factor * load<T>(h + i, used));
      store<T>(z + i, made, used);
      sum += absolute<T>(made);
    });
  }
  T total = 0;
  for (int l = 0; l < lanes<T>; ++l) total += sum[l];
  return total;
}

/// y = c x, or y += c x if `add`.
template <class T>
void scale(Size n, bool add, T c, const T* x, T* y) {
  [[maybe_unused]] const FlushToZero scope;
  if (add)
    for_each_vector<T>(n, [=](Size i, Size used) {
      store<T>(y + i, load<T>(y + i, used) + rounded<T>(c * load<T>(x + i, used)), used);
    });
  else
    for_each_vector<T>(n, [=](Size i, Size used) { store<T>(y + i, c * load<T>(x + i, used), used); });
}
