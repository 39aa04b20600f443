#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "kernels/kernels.hpp"
#include "uwm/error.hpp"
#include "uwm/simd.hpp"

namespace uwm {
namespace kernels {

#if defined(UWM_X86_LEVELS)
namespace v1 {
extern const Level level;
}
namespace v2 {
extern const Level level;
}
namespace v3 {
extern const Level level;
}
namespace v4 {
extern const Level level;
}
static constexpr const Level* all_levels[] = {&v1::level, &v2::level, &v3::level, &v4::level};
#else
namespace native {
extern const Level level;
}
static constexpr const Level* all_levels[] = {&native::level};
#endif

const Level* const* levels(std::size_t& count) {
  count = std::size(all_levels);
  return all_levels;
}

namespace {

const Level& choose() {
  const char* forced = std::getenv("UWM_ISA");
  const Level* widest = all_levels[0];
  std::string names;
  for (const Level* l : all_levels) {
    names += (names.empty() ? "" : ", ") + std::string(l->name);
    if (forced != nullptr && std::string_view(forced) == l->name) {
      if (l->supported()) return *l;
      throw ValueError("UWM_ISA asks for " + std::string(forced) + ", which this processor does not have");
    }
    if (l->supported()) widest = l;
  }
  if (forced != nullptr && *forced != '\0')
    throw ValueError("UWM_ISA must be one of " + names + ", got '" + forced + "'");
  return *widest;
}

}  // namespace

const Level& level() {
  static const Level& chosen = choose();
  return chosen;
}

}  // namespace kernels

std::string simd_level() { return kernels::level().name; }

std::vector<std::string> simd_levels() {
  std::vector<std::string> names;
  for (const kernels::Level* l : kernels::all_levels)
    if (l->supported()) names.emplace_back(l->name);
  return names;
}

}  // namespace uwm
