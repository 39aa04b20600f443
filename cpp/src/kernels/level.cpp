// The kernels of one instruction-set level, UWM_LEVEL, compiled with that level's flags.

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "kernels.hpp"

namespace uwm::kernels::UWM_LEVEL {
namespace {

// clang-format off: each file uses those before it
#include "vec.inl.hpp"
#include "exp.inl.hpp"
#include "philox.inl.hpp"
#include "bernoulli.inl.hpp"
#include "product.inl.hpp"
#include "flip.inl.hpp"
#include "optimizer.inl.hpp"
#include "trace.inl.hpp"
// clang-format on

template <class T>
constexpr Kernels<T> table = {
    .product_scratch = product_scratch<T>,
    .flip_scratch = flip_scratch<T>,
    .draw = draw<T>,
    .evaluate = evaluate<T>,
    .multiply = multiply<T>,
    .flip = flip<T>,
    .softmax = softmax<T>,
    .combine_posterior = combine_posterior<T>,
    .adam = adam<T>,
    .max_abs = max_abs<T>,
    .trace = trace<T>,
    .scale = scale<T>,
};

/// By features rather than by the level's name, which older compilers do not know.
bool supported() {
#if UWM_X86_LEVEL >= 2
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("ssse3") || !__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt"))
    return false;
#endif
#if UWM_X86_LEVEL >= 3
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2"))
    return false;
#endif
#if UWM_X86_LEVEL >= 4
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return false;
#endif
  return true;
}

constexpr Kernels<float> table_f32 = table<float>;
constexpr Kernels<double> table_f64 = table<double>;

}  // namespace

extern const Level level;
const Level level = {UWM_LEVEL_NAME, supported, &table_f32, &table_f64, words};

}  // namespace uwm::kernels::UWM_LEVEL
