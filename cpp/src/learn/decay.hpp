#pragma once

#include "work/message.hpp"

namespace uwm {

/// Throws ValueError if a decay rounds to 1 where 1 + precision is the next number: a moment would then forget nothing.
inline void check_decay(const char* name, double decay, double precision) {
  require(1 - decay > precision / 4, name, " must be below 1 in this network's precision, got 1 - ", 1 - decay);
}

}  // namespace uwm
