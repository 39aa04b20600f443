// Matrix products. Large ones are blocked and packed as in Goto and van de Geijn (2008): a panel of B stays in
// cache while a tile of rows of A by two vectors of columns is summed in registers. The forward pass, the
// backward pass and the gradient differ only in the strides that the packing reads with. Small products, as those of
// small batches, are read where they lie.

/// The sizes of the blocks follow from registers and caches. A tile's rows * vectors sums, a row of B and a number of A
/// take 27 of the 32 registers of AVX-512, 15 of the 16 of the other levels. The columns of a tile take at most 32 KiB
/// at that depth, as much as first-level caches hold. The packed block of B takes 256 KiB and that of A at most 192
/// KiB, together as much as second-level caches hold.
template <class T>
struct Tile {
  static constexpr int rows = vector_bytes == 64 ? 12 : 6;
  static constexpr int vectors = 2;
  static constexpr int columns = vectors * lanes<T>;
  static constexpr Size depth = 256;                      // terms summed per pass
  static constexpr Size row_block = 8 * rows;             // rows of A packed at a time
  static constexpr Size column_block = 1024 / sizeof(T);  // columns of B packed at a time
};

inline Size smaller(Size a, Size b) { return a < b ? a : b; }

/// Writes `count` rows of x, at most 8, to out[d * width + r]. The rows are `stride` apart and contiguous along the
/// depth. 8 numbers are written for every d; those beyond `count` are zeros.
template <class T>
inline void pack_transposed(const T* x, Size stride, Size count, Size depth, int width, T* out) {
  Size d = 0;
#if defined(__AVX__)
  if constexpr (sizeof(T) == 4)
    for (; d + 8 <= depth; d += 8) {
      __m256 rows[8];
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) rows[r] = r < count ? _mm256_loadu_ps(x + r * stride + d) : _mm256_setzero_ps();
      transpose(rows);
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) _mm256_storeu_ps(out + (d + r) * width, rows[r]);
    }
#endif
  for (; d < depth; ++d)
    for (int r = 0; r < 8; ++r) out[d * width + r] = r < count ? x[r * stride + d] : T(0);
}

/// Writes x in panels of `width` columns, depth-major, padded with zeros; with the strides exchanged, panels of rows.
/// Up to 8 numbers are written beyond the last panel.
template <class T>
inline void pack(const T* x, Size stride, Size depth_stride, Size count, Size depth, int width, T* out) {
  for (Size first = 0; first < count; first += width, out += depth * width) {
    const Size used = count - first < width ? count - first : width;
    const T* panel = x + first * stride;
    if (stride == 1 && used == width) {
      for (Size d = 0; d < depth; ++d)
        __builtin_memcpy(out + d * width, panel + d * depth_stride, static_cast<std::size_t>(width) * sizeof(T));
    } else if (depth_stride == 1) {
      // Blocks go from right to left and from depth to depth: what one writes too much, the next overwrites.
      for (Size d = 0; d < depth; d += 8)
        for (int c = (width - 1) / 8 * 8; c >= 0; c -= 8)
          pack_transposed<T>(panel + c * stride + d, stride, used - c, smaller(depth - d, 8), width,
                             out + d * width + c);
    } else {
      for (Size d = 0; d < depth; ++d)
        for (Size c = 0; c < width; ++c) out[d * width + c] = c < used ? panel[c * stride + d * depth_stride] : T(0);
    }
  }
}

template <class T>
inline void tile(Size depth, const T* a, const T* b, T* sums) {
  constexpr int rows = Tile<T>::rows, vectors = Tile<T>::vectors;
  Vec<T> acc[rows][vectors] = {};
  for (Size d = 0; d < depth; ++d, a += rows, b += Tile<T>::columns) {
    Vec<T> right[vectors];
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) right[v] = load<T>(b + v * lanes<T>);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) acc[r][v] += a[r] * right[v];
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) store<T>(sums + r * Tile<T>::columns + v * lanes<T>, acc[r][v]);
}

template <class T>
inline void multiply_packed(const Product<T>& p) {
  using Shape = Tile<T>;
  T* const packed_a = p.scratch;
  T* const packed_b = p.scratch + Shape::depth * Shape::row_block + 8;
  alignas(64) T sums[Shape::rows * Shape::columns];
  for (Size d0 = 0; d0 < p.k; d0 += Shape::depth) {
    const Size depth = smaller(p.k - d0, Shape::depth);
    for (Size n0 = 0; n0 < p.n; n0 += Shape::column_block) {
      const Size columns = smaller(p.n - n0, Shape::column_block);
      pack<T>(p.b + d0 * p.b_row + n0 * p.b_column, p.b_column, p.b_row, columns, depth, Shape::columns, packed_b);
      for (Size m0 = 0; m0 < p.m; m0 += Shape::row_block) {
        const Size rows = smaller(p.m - m0, Shape::row_block);
        pack<T>(p.a + m0 * p.a_row + d0 * p.a_column, p.a_row, p.a_column, rows, depth, Shape::rows, packed_a);
        for (Size n = 0; n < columns; n += Shape::columns) {
          for (Size m = 0; m < rows; m += Shape::rows) {
            tile<T>(depth, packed_a + m * depth, packed_b + n * depth, sums);
            const Size tile_rows = smaller(rows - m, Shape::rows), tile_columns = smaller(columns - n, Shape::columns);
            for (Size r = 0; r < tile_rows; ++r) {
              T* c = p.c + (m0 + m + r) * p.c_row + n0 + n;
              const T* s = sums + r * Shape::columns;
              for (Size j = 0; j < tile_columns; ++j) {
                // A sum of two products would be fused differently by different compilers. This is one product.
                if (d0 > 0)
                  c[j] += p.alpha * s[j];
                else
                  c[j] = p.alpha * (p.bias ? s[j] + p.bias[n0 + n + j] : s[j]);
              }
            }
          }
        }
      }
    }
  }
}

/// A tile of C, read from where A and B lie. The rows of B are contiguous. Only `used` lanes of the last vector of
/// columns count. Sums are added up as in multiply_packed, so that both give the same bits.
template <class T, int rows, int vectors, bool partial>
inline void direct_tile(const Product<T>& p, Size row, Size column, Size used) {
  for (Size d0 = 0; d0 < p.k; d0 += Tile<T>::depth) {
    const Size depth = smaller(p.k - d0, Tile<T>::depth);
    const T* a = p.a + row * p.a_row + d0 * p.a_column;
    const T* b = p.b + column + d0 * p.b_row;
    Vec<T> acc[rows][vectors] = {};
    for (Size d = 0; d < depth; ++d, a += p.a_column, b += p.b_row) {
      Vec<T> right[vectors];
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v)
        right[v] = partial && v == vectors - 1 ? load<T>(b + v * lanes<T>, used) : load<T>(b + v * lanes<T>);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) acc[r][v] += a[r * p.a_row] * right[v];
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) {
        const Size n = partial && v == vectors - 1 ? used : lanes<T>;
        T* c = p.c + (row + r) * p.c_row + column + v * lanes<T>;
        if (d0 > 0)
          store<T>(c, load<T>(c, n) + p.alpha * acc[r][v], n);
        else
          store<T>(c, p.alpha * (p.bias ? acc[r][v] + load<T>(p.bias + column + v * lanes<T>, n) : acc[r][v]), n);
      }
  }
}

/// The rows from `row` on, fewer than a tile of them.
template <class T, int rows, int vectors, bool partial>
inline void direct_rest(const Product<T>& p, Size row, Size column, Size used) {
  if (p.m - row == rows)
    direct_tile<T, rows, vectors, partial>(p, row, column, used);
  else if constexpr (rows > 1)
    direct_rest<T, rows - 1, vectors, partial>(p, row, column, used);
}

/// All rows of `vectors` vectors of columns.
template <class T, int rows, int vectors, bool partial>
inline void direct_strip(const Product<T>& p, Size column, Size used) {
  Size row = 0;
  for (; row + rows <= p.m; row += rows) direct_tile<T, rows, vectors, partial>(p, row, column, used);
  if constexpr (rows > 1)
    if (row < p.m) direct_rest<T, rows - 1, vectors, partial>(p, row, column, used);
}

template <class T, int rows, int vectors>
inline void direct_strips(const Product<T>& p, Size& column) {
  for (; column + vectors * lanes<T> <= p.n; column += vectors * lanes<T>)
    direct_strip<T, rows, vectors, false>(p, column, lanes<T>);
}

template <class T>
void multiply_direct(const Product<T>& p) {
  constexpr int rows = 6;
  Size column = 0;
  if (p.m == 1) {  // eight sums at once: a fused multiply-add takes four cycles, and two begin in each
    direct_strips<T, 1, 8>(p, column);
    direct_strips<T, 1, 4>(p, column);
    direct_strips<T, 1, 1>(p, column);
    if (column < p.n) direct_strip<T, 1, 1, true>(p, column, p.n - column);
    return;
  }
  const auto rest = [&] { return p.n - column; };
  while (rest() > 3 * lanes<T> || rest() == 2 * lanes<T>) {
    direct_strip<T, rows, 2, false>(p, column, lanes<T>);
    column += 2 * lanes<T>;
  }
  if (rest() > 2 * lanes<T>)
    direct_strip<T, 4, 3, true>(p, column, rest() - 2 * lanes<T>);
  else if (rest() > lanes<T>)
    direct_strip<T, rows, 2, true>(p, column, rest() - lanes<T>);
  else if (rest() > 0)
    direct_strip<T, rows, 1, true>(p, column, rest());
}

/// The same where the columns of B are contiguous, as in the forward pass of small batches: each panel is turned first.
template <class T>
void multiply_turned(const Product<T>& p) {
  constexpr int width = Tile<T>::columns;
  Product<T> panel = p;
  panel.b = p.scratch;
  panel.b_row = width;
  panel.b_column = 1;
  for (Size n0 = 0; n0 < p.n; n0 += width) {
    panel.n = smaller(p.n - n0, width);
    panel.c = p.c + n0;
    panel.bias = p.bias ? p.bias + n0 : nullptr;
    pack<T>(p.b + n0 * p.b_column, p.b_column, p.b_row, panel.n, p.k, width, p.scratch);
    multiply_direct<T>(panel);
  }
}

/// A row is added up in 64 bytes of lanes at every level with AVX, in one vector or in a pair, so that those levels
/// round alike.
#if defined(__AVX__)
constexpr int dot_vectors = 64 / vector_bytes;
#else
constexpr int dot_vectors = 1;
#endif

/// Adds up the terms of `columns` dot products, lane by lane. The vectors of a pair are added at the end.
template <class T, int columns>
inline void add_terms(Size k, const T* a, const T* b, Size b_column, Vec<T>* totals) {
  Vec<T> acc[columns][dot_vectors];
#pragma GCC unroll 16
  for (int c = 0; c < columns; ++c)
#pragma GCC unroll 2
    for (int v = 0; v < dot_vectors; ++v) acc[c][v] = Vec<T>{};
  const auto add = [&](int v, Size i, Size used) __attribute__((always_inline)) {
    const Vec<T> left = load<T>(a + i, used);
#pragma GCC unroll 16
    for (int c = 0; c < columns; ++c) acc[c][v] += left * load<T>(b + c * b_column + i, used);
  };
  Size i = 0;
  for (; i + dot_vectors * lanes<T> <= k; i += dot_vectors * lanes<T>)
#pragma GCC unroll 2
    for (int v = 0; v < dot_vectors; ++v) add(v, i + v * lanes<T>, lanes<T>);
#pragma GCC unroll 2
  for (int v = 0; v < dot_vectors; ++v, i += lanes<T>)
    if (i < k) add(v, i, smaller(k - i, lanes<T>));
#pragma GCC unroll 16
  for (int c = 0; c < columns; ++c) totals[c] = dot_vectors == 2 ? acc[c][0] + acc[c][dot_vectors - 1] : acc[c][0];
}

/// Dot products of a row of A with `columns` columns of B, both contiguous along the terms, as in the forward pass of a
/// few samples.
template <class T, int columns>
inline void dots(const Product<T>& p, Size row, Size column) {
  constexpr int at_once = columns < 8 / dot_vectors ? columns : 8 / dot_vectors;  // accumulators fit the registers
  Vec<T> totals[columns];
#pragma GCC unroll 2
  for (int c = 0; c < columns; c += at_once)
    add_terms<T, at_once>(p.k, p.a + row * p.a_row, p.b + (column + c) * p.b_column, p.b_column, totals + c);
  T sums[columns], bias[columns] = {};
  sum_each<T, columns>(totals, sums);
  if (p.bias) __builtin_memcpy(bias, p.bias + column, sizeof bias);
  for (int c = 0; c < columns; ++c) sums[c] = p.alpha * (sums[c] + bias[c]);
  __builtin_memcpy(p.c + row * p.c_row + column, sums, sizeof sums);
}

template <class T, int columns>
inline void dots_of_row(const Product<T>& p, Size row) {
  Size column = 0;
  for (; column + columns <= p.n; column += columns) dots<T, columns>(p, row, column);
  for (; column < p.n; ++column) dots<T, 1>(p, row, column);
}

template <class T>
void multiply_dots(const Product<T>& p) {
  for (Size row = 0; row < p.m; ++row) dots_of_row<T, 8>(p, row);
}

/// The product with one term only, as in the gradient of a single sample.
template <class T>
inline void multiply_outer(const Product<T>& p) {
  for (Size r = 0; r < p.m; ++r) {
    const T left = p.alpha * p.a[r * p.a_row];
    T* c = p.c + r * p.c_row;
    const auto write = [&](Size i) { store<T>(c + i, left * load<T>(p.b + i)); };
    Size i = 0;
    for (; i + lanes<T> <= p.n; i += lanes<T>) write(i);
    if (i < p.n && p.n >= lanes<T>)
      write(p.n - lanes<T>);  // some of it for the second time
    else if (i < p.n)
      store<T>(c, left * load<T>(p.b, p.n), p.n);
  }
}

enum class Way { outer, direct, dots, turned, packed };

/// How to multiply. The choice depends on the whole product, not on how its rows are shared among threads.
///
/// Small: a B of 8192 numbers stays in the cache, and up to 32 rows do not pay for packing. On one machine, with
/// n = k = 128 and 16 or 32 rows, small products are 0.9 to 2.2 times as fast as packed ones. With AVX2, 1024 rows and
/// n = 1024 they would be 0.3 times as fast.
///
/// Few: on one machine, with n = 256 and k = 512 in float32, a row of dots takes 8 us. Packing takes 61 us for 1 row.
template <class T>
inline Way way_of(const Product<T>& p) {
  const bool small = p.k <= Tile<T>::depth && (p.all_rows <= 32 || p.n * p.k <= 8192);
  const bool few = p.all_rows < 4;
  if (p.k == 1 && p.b_column == 1 && p.bias == nullptr) return Way::outer;
  if ((small || few) && p.b_column == 1) return Way::direct;
  if (few && p.a_column == 1 && p.b_row == 1) return Way::dots;
  return small && p.b_row == 1 ? Way::turned : Way::packed;
}

/// The 8 are those that packing writes too much.
template <class T>
Size product_scratch(const Product<T>& p) {
  const Way way = way_of(p);
  if (way == Way::turned) return p.k * Tile<T>::columns + 8;
  return way == Way::packed ? Tile<T>::depth * (Tile<T>::row_block + Tile<T>::column_block) + 2 * 8 : 0;
}

template <class T>
void multiply(const Product<T>& p) {
  switch (way_of(p)) {
    case Way::outer:
      return multiply_outer<T>(p);
    case Way::direct:
      return multiply_direct<T>(p);
    case Way::dots:
      return multiply_dots<T>(p);
    case Way::turned:
      return multiply_turned<T>(p);
    case Way::packed:
      return multiply_packed<T>(p);
  }
}
