#include <bit>
#include <cstdint>
#include <random>

#include "check.hpp"
#include "files/number_text.hpp"
#include "work/message.hpp"

using uwm::format_number;
using uwm::parse_number;

namespace {

/// A country where 1234.5 is written 1.234,5.
struct Comma final : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

class Abroad {
 public:
  Abroad() : before_(std::locale::global(std::locale(std::locale::classic(), new Comma))) {}
  ~Abroad() { std::locale::global(before_); }
  Abroad(const Abroad&) = delete;
  Abroad& operator=(const Abroad&) = delete;

 private:
  std::locale before_;
};

template <class N>
void check_back(N value) {
  const std::string written = format_number(value);
  const auto read = parse_number<N>(written);
  if (!read || std::signbit(*read) != std::signbit(value) || *read != value)
    check::fail(__FILE__, __LINE__, written, " was read as ", read.value_or(0), ", expected ", value);
}

}  // namespace

TEST(every_decimal_comes_back_exactly) {
  using Limits = std::numeric_limits<double>;
  for (const double value : {0.0, -0.0, 0.1, 1.0 / 3, 1e23, 9007199254740993.0, 5e-324, 2.2250738585072011e-308,
                             Limits::min(), Limits::max(), -Limits::max(), Limits::epsilon()})
    check_back(value);
  std::mt19937_64 draw(1);
  for (int i = 0; i < 3000; ++i) {
    const double value = std::bit_cast<double>(draw());
    if (std::isfinite(value)) check_back(value);
    const float single = std::bit_cast<float>(static_cast<std::uint32_t>(draw()));
    if (std::isfinite(single)) check_back(single);
  }
}

TEST(decimals_are_written_as_short_as_can_be) {
  CHECK(format_number(0.1) == "0.1");
  CHECK(format_number(0.001) == "0.001");
  CHECK(format_number(1e-8) == "1e-08");
  CHECK(format_number(1.0) == "1");
  CHECK(format_number(0.1f) == "0.1");
  CHECK(format_number(std::int64_t{-1234567}) == "-1234567");
}

TEST(numbers_in_files_do_not_depend_on_the_programs_locale) {
  const Abroad abroad;
  CHECK(format_number(1234.5) == "1234.5");
  CHECK(format_number(1234567) == "1234567");
  CHECK(parse_number<double>("1234.5") == 1234.5);
  CHECK(!parse_number<double>("1.234,5"));
  CHECK(uwm::text(1234567, " and ", 0.5) == "1234567 and 0.5");
}

TEST(what_is_no_number_is_refused) {
  for (const char* s :
       {"",     " ",        "-",     ".",      "e5",   "1e",    "1e+",   "1 ",
        " 1",   "+1",       "1,5",   "1.2.3",  "0x10", "0x1p3", "inf",   "nan",
        "-inf", "infinity", "1e999", "-1e999", "1d5",  "1_000", "1'000", "1.00000000000000000000000000000000000000001"})
    CHECK(!parse_number<double>(s));
  for (const char* s : {"", "1.5", "1e3", "0x10", " 1", "1 ", "+1", "9223372036854775808"})
    CHECK(!parse_number<std::int64_t>(s));
  CHECK(!parse_number<std::uint64_t>("-1"));
  CHECK(!parse_number<float>("1e39"));
}

TEST(decimals_in_any_usual_spelling_are_read) {
  CHECK(parse_number<double>(".5") == 0.5);
  CHECK(parse_number<double>("5.") == 5.0);
  CHECK(parse_number<double>("-1E-2") == -0.01);
  CHECK(parse_number<double>("1e+3") == 1000.0);
  CHECK(parse_number<double>("1e-400") == 0.0);
  CHECK(parse_number<double>("0007") == 7.0);
}
