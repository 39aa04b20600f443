// Matrix products. Large ones are blocked and packed as in Goto and van de Geijn (2008): a panel of B stays in
// cache while a tile of rows of A by two vectors of columns is summed in registers. The forward pass, the
// backward pass and the gradient differ only in the strides that the packing reads with. Products with
// few rows or few terms, as at batch 1, are read where they lie.

template <class T>
struct Tile {
  static constexpr int rows = vector_bytes == 64 ? 12 : 6;
  static constexpr int vectors = 2;
  static constexpr int columns = vectors * lanes<T>;
  static constexpr Size depth = 256;                      // terms summed per pass
  static constexpr Size row_block = 8 * rows;             // rows of A packed at a time
  static constexpr Size column_block = 1024 / sizeof(T);  // columns of B packed at a time
};

static_assert(Tile<float>::rows <= 16 && Tile<double>::rows <= 16);  // grain.hpp counts on it

template <class T>
constexpr Size product_scratch = Tile<T>::depth * (Tile<T>::row_block + Tile<T>::column_block);

/// Panels of `width` columns (or rows, with the strides exchanged), depth-major, padded with zeros.
template <class T>
inline void pack(const T* x, Size stride, Size depth_stride, Size count, Size depth, int width, T* out) {
  for (Size first = 0; first < count; first += width) {
    const Size used = count - first < width ? count - first : width;
    const T* panel = x + first * stride;
    if (stride == 1 && used == width) {
      for (Size d = 0; d < depth; ++d, out += width)
        __builtin_memcpy(out, panel + d * depth_stride, static_cast<std::size_t>(width) * sizeof(T));
      continue;
    }
    for (Size c = 0; c < used; ++c)
      for (Size d = 0; d < depth; ++d) out[d * width + c] = panel[c * stride + d * depth_stride];
    for (Size c = used; c < width; ++c)
      for (Size d = 0; d < depth; ++d) out[d * width + c] = 0;
    out += depth * width;
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

inline Size smaller(Size a, Size b) { return a < b ? a : b; }

template <class T>
inline void multiply_packed(const Product<T>& p) {
  using Shape = Tile<T>;
  T* const packed_a = p.scratch;
  T* const packed_b = p.scratch + Shape::depth * Shape::row_block;
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
                const T start = d0 > 0 ? c[j] : p.bias ? p.alpha * p.bias[n0 + n + j] : T(0);
                c[j] = start + p.alpha * s[j];
              }
            }
          }
        }
      }
    }
  }
}

/// Rows of A against contiguous columns of B, several columns at a time: the forward pass of a few samples.
template <class T, int columns>
inline void dots(const Product<T>& p, const T* a, Size first, T* c) {
  Vec<T> acc[columns] = {};
  for_each_vector<T>(p.k, [&](Size i, Size used) {
    const Vec<T> left = load<T>(a + i, used);
#pragma GCC unroll 16
    for (int j = 0; j < columns; ++j) acc[j] += left * load<T>(p.b + (first + j) * p.b_column + i, used);
  });
  for (int j = 0; j < columns; ++j) c[first + j] = p.alpha * (sum<T>(acc[j]) + (p.bias ? p.bias[first + j] : T(0)));
}

template <class T>
inline void multiply_dots(const Product<T>& p) {
  constexpr int columns = 8;
  for (Size r = 0; r < p.m; ++r) {
    const T* a = p.a + r * p.a_row;
    T* c = p.c + r * p.c_row;
    Size j = 0;
    for (; j + columns <= p.n; j += columns) dots<T, columns>(p, a, j, c);
    for (; j < p.n; ++j) dots<T, 1>(p, a, j, c);
  }
}

/// Sums of multiples of the contiguous rows of B, a strip of columns in registers.
template <class T>
inline void multiply_rows(const Product<T>& p) {
  constexpr int strip = 4;
  for (Size r = 0; r < p.m; ++r) {
    const T* a = p.a + r * p.a_row;
    T* c = p.c + r * p.c_row;
    Size n = 0;
    for (; n + strip * lanes<T> <= p.n; n += strip * lanes<T>) {
      Vec<T> acc[strip] = {};
      for (Size d = 0; d < p.k; ++d) {
        const T left = a[d * p.a_column];
        const T* b = p.b + d * p.b_row + n;
#pragma GCC unroll 16
        for (int v = 0; v < strip; ++v) acc[v] += left * load<T>(b + v * lanes<T>);
      }
#pragma GCC unroll 16
      for (int v = 0; v < strip; ++v) {
        const Vec<T> bias = p.bias ? load<T>(p.bias + n + v * lanes<T>) : Vec<T>{};
        store<T>(c + n + v * lanes<T>, p.alpha * (acc[v] + bias));
      }
    }
    for_each_vector<T>(p.n - n, [&](Size i, Size used) {
      Vec<T> acc = p.bias ? load<T>(p.bias + n + i, used) : Vec<T>{};
      for (Size d = 0; d < p.k; ++d) acc += a[d * p.a_column] * load<T>(p.b + d * p.b_row + n + i, used);
      store<T>(c + n + i, p.alpha * acc, used);
    });
  }
}

/// One term: the gradient of a single sample.
template <class T>
inline void multiply_outer(const Product<T>& p) {
  for (Size r = 0; r < p.m; ++r) {
    const T left = p.alpha * p.a[r * p.a_row];
    T* c = p.c + r * p.c_row;
    for_each_vector<T>(p.n, [=, &p](Size i, Size used) { store<T>(c + i, left * load<T>(p.b + i, used), used); });
  }
}

template <class T>
void multiply(const Product<T>& p) {
  const bool few = p.m < Tile<T>::rows || p.k < 8;
  if (p.k == 1 && p.b_column == 1 && p.bias == nullptr)
    multiply_outer<T>(p);
  else if (few && p.b_column == 1)
    multiply_rows<T>(p);
  else if (p.m < Tile<T>::rows && p.a_column == 1 && p.b_row == 1)
    multiply_dots<T>(p);
  else
    multiply_packed<T>(p);
}
