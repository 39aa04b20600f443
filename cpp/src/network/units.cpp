// The names of the encodings of hidden units.

#include "uwm/units.hpp"

#include "work/message.hpp"

namespace uwm {

std::string to_string(Units units) { return units == Units::binary ? "binary" : "bipolar"; }

Units units_from_string(const std::string& name) {
  if (name == "binary") return Units::binary;
  if (name == "bipolar") return Units::bipolar;
  throw ValueError(text("units must be 'binary' or 'bipolar', got '", name, "'"));
}

}  // namespace uwm
