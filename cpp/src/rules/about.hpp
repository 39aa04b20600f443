#pragma once

#include <memory>

#include "uwm/rules.hpp"

namespace uwm {

/// What is known of the rule R(settings...): completed by its name and by how it is made.
template <class R, class... Settings>
RuleInfo about_rule(RuleInfo known, Settings... settings) {
  known.name = R(settings...).name();
  known.make = [=] { return std::make_unique<R>(settings...); };
  return known;
}

}  // namespace uwm
