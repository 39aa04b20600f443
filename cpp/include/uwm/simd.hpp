#pragma once

#include <string>
#include <vector>

#include "uwm/export.hpp"

namespace uwm {

/// The instruction-set level that the kernels run with: "x86-64", "x86-64-v2", "x86-64-v3" (AVX2 and FMA),
/// "x86-64-v4" (AVX-512), or "native" on other processors. It is the widest that the processor has;
/// the environment variable UWM_ISA, read once, forces another.
/// Throws ValueError when UWM_ISA names a level that is unknown or that this machine lacks.
UWM_EXPORT std::string simd_level();

/// Every level that this build carries and this processor runs, narrowest first.
UWM_EXPORT std::vector<std::string> simd_levels();

}  // namespace uwm
