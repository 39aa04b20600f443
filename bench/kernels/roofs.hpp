#pragma once

#include <cstddef>

namespace uwm::bench {

/// Simple loops that run at the machine's limits, in float32; compiled once per instruction-set level.
struct Roofs {
  /// Does `turns` turns of independent operations on lanes; returns operations done, and a number to keep.
  double (*multiply_adds)(std::ptrdiff_t turns, float* keep);
  double (*divisions)(std::ptrdiff_t turns, float* keep);
  /// y += s * x over n numbers, `turns` times; returns bytes moved.
  double (*update)(std::ptrdiff_t turns, std::ptrdiff_t n, const float* x, float* y);
};

#if defined(UWM_X86_LEVELS)
namespace v1 {
extern const Roofs roofs;
}
namespace v2 {
extern const Roofs roofs;
}
namespace v3 {
extern const Roofs roofs;
}
namespace v4 {
extern const Roofs roofs;
}
#else
namespace native {
extern const Roofs roofs;
}
#endif

}  // namespace uwm::bench
