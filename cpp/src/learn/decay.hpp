#pragma once

#include "work/message.hpp"

namespace uwm {

/// Throws ValueError if a decay rounds to 1 in the network's precision: a moment would then forget nothing. The number
/// after 1 is 1 + precision and the one before it 1 - precision / 2, so what is within precision / 4 of 1 rounds to 1.
inline void check_decay(const char* name, double decay, double precision) {
  require(1 - decay > precision / 4, name, " must be below 1 in this network's precision, got 1 - ", 1 - decay);
}

}  // namespace uwm
