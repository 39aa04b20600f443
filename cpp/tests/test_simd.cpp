#include <algorithm>
#include <cstdlib>

#include "check.hpp"
#include "uwm/error.hpp"
#include "uwm/network.hpp"
#include "uwm/simd.hpp"

using uwm::ValueError;

TEST(a_level_can_be_forced_and_a_wrong_one_is_refused) {
  const auto levels = uwm::simd_levels();
  const char* before = std::getenv("UWM_ISA");
  const std::string in_use = before != nullptr && *before != '\0' ? before : levels.back();
  CHECK(!levels.empty() && std::find(levels.begin(), levels.end(), in_use) != levels.end());

  ::setenv("UWM_ISA", "x87", 1);
  CHECK_THROWS(ValueError, "UWM_ISA must be one of " + levels.front(), uwm::simd_level());
  CHECK_THROWS(ValueError, ", got 'x87'", uwm::Network<float>({1, 1}).check_finite());
  if (levels.front() == "x86-64" && levels.back() != "x86-64-v4") {
    ::setenv("UWM_ISA", "x86-64-v4", 1);
    CHECK_THROWS(ValueError, "UWM_ISA asks for x86-64-v4, which this processor does not have", uwm::simd_level());
  }

  // read again until it has been understood once
  ::setenv("UWM_ISA", before != nullptr ? before : "", 1);
  CHECK(uwm::simd_level() == in_use);
  ::setenv("UWM_ISA", "x87", 1);
  CHECK(uwm::simd_level() == in_use);
}
