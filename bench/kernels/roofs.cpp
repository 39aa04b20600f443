// Compiled once for each level, UWM_LEVEL, with that level's flags.
#include "roofs.hpp"

namespace uwm::bench::UWM_LEVEL {
namespace {

#if defined(__AVX512F__)
constexpr int bytes = 64;
#elif defined(__AVX__)
constexpr int bytes = 32;
#else
constexpr int bytes = 16;
#endif
constexpr int lanes = bytes / 4;
constexpr int chains = 12;  // enough to hide latency, few enough for the registers
typedef float Vec __attribute__((vector_size(bytes)));

/// f on `chains` independent vectors, again and again; the empty assembly keeps every result alive.
template <class F>
double repeat(std::ptrdiff_t turns, float* keep, F f) {
  Vec acc[chains];
  for (int c = 0; c < chains; ++c) acc[c] = Vec{} + (1.0f + 0.01f * static_cast<float>(c));
  for (std::ptrdiff_t t = 0; t < turns; ++t) {
#pragma GCC unroll 16
    for (int c = 0; c < chains; ++c) acc[c] = f(acc[c]);
  }
  for (int c = 0; c < chains; ++c) *keep += acc[c][0];
  return static_cast<double>(turns) * chains * lanes;
}

double multiply_adds(std::ptrdiff_t turns, float* keep) {
  const Vec scale = Vec{} + (0.999f + 0 * *keep), shift = Vec{} + (0.001f + 0 * *keep);
  return repeat(turns, keep, [=](Vec v) { return v * scale + shift; });
}

double divisions(std::ptrdiff_t turns, float* keep) {
  const Vec top = Vec{} + (1.7f + 0 * *keep);
  return repeat(turns, keep, [=](Vec v) { return top / v; });
}

double update(std::ptrdiff_t turns, std::ptrdiff_t n, const float* x, float* y) {
  for (std::ptrdiff_t t = 0; t < turns; ++t) {
    for (std::ptrdiff_t i = 0; i < n; ++i) y[i] += 1e-3f * x[i];
#if defined(__GNUC__)
    asm volatile("" : : "r"(y) : "memory");
#endif
  }
  return 12.0 * static_cast<double>(turns) * static_cast<double>(n);
}

}  // namespace

extern const Roofs roofs;
const Roofs roofs = {multiply_adds, divisions, update};

}  // namespace uwm::bench::UWM_LEVEL
