#include "allocations.hpp"

#include <cstdlib>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define UWM_COUNT_ALLOCATIONS 1
#else
#define UWM_COUNT_ALLOCATIONS 0
#endif

namespace allocations {

namespace {
thread_local std::size_t calls = 0;
}

const bool counted = UWM_COUNT_ALLOCATIONS;

std::size_t count() { return calls; }

}  // namespace allocations

#if UWM_COUNT_ALLOCATIONS

// glibc's own names of what is replaced here; operator new calls malloc.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t n, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  ++allocations::calls;
  return __libc_malloc(size);
}

void* calloc(std::size_t n, std::size_t size) {
  ++allocations::calls;
  return __libc_calloc(n, size);
}

void* realloc(void* old, std::size_t size) {
  ++allocations::calls;
  return __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations::calls;
  return __libc_memalign(alignment, size);
}

}  // extern "C"

#endif
