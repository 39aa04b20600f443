#pragma once

#include <cmath>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

/// The whole test framework: cases register themselves, and main, in check.cpp, runs them.
namespace check {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

template <class... Parts>
[[noreturn]] void fail(const char* file, int line, const Parts&... parts) {
  std::ostringstream out;
  out.precision(17);
  out << file << ":" << line << ": ";
  (out << ... << parts);
  throw std::logic_error(out.str());
}

}  // namespace check

#define TEST(name)                                           \
  static void name();                                        \
  static const check::Register register_##name(#name, name); \
  static void name()

#define CHECK(...)                                                                  \
  do {                                                                              \
    if (!(__VA_ARGS__)) check::fail(__FILE__, __LINE__, "not true: " #__VA_ARGS__); \
  } while (false)

/// Written so that NaN fails.
#define CHECK_NEAR(a, b, tolerance)                                                                     \
  do {                                                                                                  \
    const double check_a = (a), check_b = (b);                                                          \
    if (!(std::abs(check_a - check_b) <= (tolerance)))                                                  \
      check::fail(__FILE__, __LINE__, #a " is ", check_a, ", expected ", check_b, " +- ", (tolerance)); \
  } while (false)

/// The expression throws exactly this type, with a message that has `part` in it.
#define CHECK_THROWS(Type, part, ...)                                                                      \
  do {                                                                                                     \
    bool check_thrown = false;                                                                             \
    try {                                                                                                  \
      static_cast<void>(__VA_ARGS__);                                                                      \
    } catch (const std::exception& error) {                                                                \
      check_thrown = true;                                                                                 \
      if (typeid(error) != typeid(Type) || std::string(error.what()).find(part) == std::string::npos)      \
        check::fail(__FILE__, __LINE__, #__VA_ARGS__ " threw ", typeid(error).name(), ": ", error.what()); \
    }                                                                                                      \
    if (!check_thrown) check::fail(__FILE__, __LINE__, #__VA_ARGS__ " did not throw");                     \
  } while (false)
