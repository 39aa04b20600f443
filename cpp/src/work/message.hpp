#pragma once

#include <locale>
#include <sstream>
#include <string>

#include "uwm/error.hpp"

namespace uwm {

/// The parts as one text. Numbers are written as in C++, whatever the program's locale.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return out.str();
}

/// Throws ValueError with the parts as its message unless the condition holds.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) throw ValueError(text(parts...));
}

}  // namespace uwm
