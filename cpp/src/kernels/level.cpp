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
// clang-format on

template <class T>
constexpr Kernels<T> table = {
    .product_scratch = product_scratch<T>,
    .strip = strip_lanes<T>,
    .flip_scratch = flip_scratch<T>,
    .draw = draw<T>,
    .evaluate = evaluate<T>,
    .multiply = multiply<T>,
    .flip = flip<T>,
    .softmax = softmax<T>,
    .combine_posterior = combine_posterior<T>,
    .adam = adam<T>,
    .max_abs = max_abs<T>,
};

bool supported() {
#if defined(UWM_X86_LEVEL)
  __builtin_cpu_init();
  return __builtin_cpu_supports(UWM_X86_LEVEL);
#else
  return true;
#endif
}

constexpr Kernels<float> table_f32 = table<float>;
constexpr Kernels<double> table_f64 = table<double>;

}  // namespace

extern const Level level;
const Level level = {UWM_LEVEL_NAME, supported, &table_f32, &table_f64, words};

}  // namespace uwm::kernels::UWM_LEVEL
