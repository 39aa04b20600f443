#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace uwm {

/// While it lives, numbers too small to be normal count as zeros. Traces that nothing is added to fade into that range,
/// where arithmetic is many times slower.
class FlushToZero {
 public:
#if defined(__SSE2__)
  FlushToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~FlushToZero() { _mm_setcsr(before_); }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
  unsigned before_;
#endif
};

}  // namespace uwm
