#pragma once

#include <charconv>
#include <cmath>
#include <limits>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace uwm {

// Numbers as text, the same on every platform and in every locale. Whole numbers go through std::to_chars and
// std::from_chars. Decimals go through streams of the classic locale: some C++ libraries lack the two for decimals.

namespace number_text {

inline std::size_t skip_digits(std::string_view s, std::size_t at) {
  const std::size_t end = s.find_first_not_of("0123456789", at);
  return end == s.npos ? s.size() : end;
}

/// Whether `s` is an optional minus, digits with at most one point among them, an optional exponent, and nothing else.
/// Streams take more than that (blanks, hexadecimals, "inf"), but not all of them the same.
inline bool is_decimal(std::string_view s) {
  std::size_t at = s.starts_with('-') ? 1 : 0;
  std::size_t end = skip_digits(s, at);
  std::size_t digits = end - at;
  at = end;
  if (at < s.size() && s[at] == '.') {
    end = skip_digits(s, at + 1);
    digits += end - at - 1;
    at = end;
  }
  if (digits == 0) return false;
  if (at == s.size()) return true;
  if (s[at] != 'e' && s[at] != 'E') return false;
  ++at;
  if (at < s.size() && (s[at] == '-' || s[at] == '+')) ++at;
  return at < s.size() && skip_digits(s, at) == s.size();
}

template <class N>
std::optional<N> parse_decimal(std::string_view s) {
  // 24 characters hold every double. Some streams take no more than 39.
  if (s.size() > 32 || !is_decimal(s)) return std::nullopt;
  std::istringstream in{std::string(s)};
  in.imbue(std::locale::classic());
  N value{};
  // Streams differ in whether they call a number that is nearly zero a failure. All give the right value for it.
  in >> value;
  if (in.fail() && std::abs(value) >= std::numeric_limits<N>::max()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

template <class N>
std::string format_decimal(N value) {
  std::string written;
  for (int digits = 1; digits <= std::numeric_limits<N>::max_digits10; ++digits) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out.precision(digits);
    out << value;
    written = out.str();
    if (parse_decimal<N>(written) == value) break;
  }
  return written;
}

}  // namespace number_text

/// The shortest text that `parse_number` reads back as the same number.
template <class N>
std::string format_number(N value) {
  if constexpr (std::is_floating_point_v<N>) {
    return number_text::format_decimal(value);
  } else {
    char buffer[32];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
    return {buffer, result.ptr};
  }
}

/// The number nearest to what `s` says. Nothing if `s` is no finite number or has no place in N.
template <class N>
std::optional<N> parse_number(std::string_view s) {
  if constexpr (std::is_floating_point_v<N>) {
    return number_text::parse_decimal<N>(s);
  } else {
    N value{};
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
    if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
    return value;
  }
}

}  // namespace uwm
