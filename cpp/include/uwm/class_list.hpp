#pragma once

#include <tuple>
#include <type_traits>

namespace uwm {

/// Calls f(std::type_identity<C>()) for each class C of a list such as BuiltInRules, which is a std::tuple.
template <class List, class F>
void for_each_class(F f) {
  [&]<class... C>(std::type_identity<std::tuple<C...>>) {
    (f(std::type_identity<C>()), ...);
  }(std::type_identity<List>());
}

}  // namespace uwm
