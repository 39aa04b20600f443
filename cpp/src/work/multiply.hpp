#pragma once

#include "kernels/kernels.hpp"
#include "uwm/threads.hpp"
#include "work/grain.hpp"
#include "work/grow.hpp"

namespace uwm {

/// Computes a product. The threads share its rows.
template <class T>
void multiply(Threads* threads, kernels::Product<T> product, Vector<T>& scratch) {
  const auto& kernel = kernels::active<T>();
  const Index needed = kernel.product_scratch(product);
  grow(scratch, needed * (threads == nullptr ? 1 : threads->size()));
  split(threads, product.m, grain_of(product.n * product.k), [&](Index begin, Index end, int worker) {
    kernels::Product<T> rows = product;
    rows.m = end - begin;
    rows.a += begin * product.a_row;
    rows.c += begin * product.c_row;
    rows.scratch = scratch.data() + worker * needed;
    kernel.multiply(rows);
  });
}

}  // namespace uwm
