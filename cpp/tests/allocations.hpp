#pragma once

#include <cstddef>

/// Counts what the whole program asks of the heap, Eigen's own allocations included.
namespace allocations {

/// False where allocation functions cannot be replaced: under sanitizers, which do so themselves, and without glibc.
extern const bool counted;

/// Calls of malloc and its relatives by this thread so far.
std::size_t count();

}  // namespace allocations
