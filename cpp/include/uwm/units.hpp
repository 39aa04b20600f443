#pragma once

#include <string>

#include "uwm/export.hpp"

namespace uwm {

/// How hidden units encode their action: 0 / 1, or -1 / +1.
enum class Units { binary, bipolar };

/// "binary" or "bipolar".
UWM_EXPORT std::string to_string(Units units);

/// Throws ValueError for another name.
UWM_EXPORT Units units_from_string(const std::string& name);

}  // namespace uwm
