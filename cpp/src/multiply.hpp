#pragma once

#include <algorithm>
#include <vector>

#include "grow.hpp"
#include "kernels/kernels.hpp"
#include "uwm/threads.hpp"

namespace uwm {

/// Pieces of work smaller than this many multiply-adds are not worth a thread's waking.
inline constexpr Index worthwhile = 1 << 18;

/// How many items of that cost make a piece, in whole dozens of rows, so that no result depends on the cutting.
inline Index grain_of(Index cost) {
  return std::max<Index>(16, (worthwhile / std::max<Index>(1, cost) + 15) / 16 * 16);
}

/// A product shared by rows among the threads.
template <class T>
void multiply(Threads* threads, kernels::Product<T> product, std::vector<T>& scratch) {
  const auto& kernel = kernels::active<T>();
  grow(scratch, kernel.product_scratch * (threads == nullptr ? 1 : threads->size()));
  split(threads, product.m, grain_of(product.n * product.k), [&](Index begin, Index end, int worker) {
    kernels::Product<T> rows = product;
    rows.m = end - begin;
    rows.a += begin * product.a_row;
    rows.c += begin * product.c_row;
    rows.scratch = scratch.data() + worker * kernel.product_scratch;
    kernel.multiply(rows);
  });
}

}  // namespace uwm
