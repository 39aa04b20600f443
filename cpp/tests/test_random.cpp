#include "check.hpp"
#include "uwm/random.hpp"

using uwm::philox;
using uwm::random_word;
using uwm::Stream;
using Words = std::array<std::uint32_t, 4>;

// The known-answer vectors for philox4x32, 10 rounds, that come with Random123 (Salmon et al., 2011).
TEST(philox_gives_the_published_answers) {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST(a_word_has_its_own_place_in_the_counter) {
  const uwm::Position at{0x0123456789abcdefu, 0xa1b2c3d4e5f6u};
  for (const std::uint32_t unit : {0u, 1u, 2u, 3u, 4u, 1023u}) {
    const Words block =
        philox({unit / 4, 77, 0xc3d4e5f6u, (3u << 28) | (0xabcu << 16) | 0xa1b2u}, {0x89abcdefu, 0x01234567u});
    CHECK(random_word(at, Stream::task_rewards, 0xabc, 77, unit) == block[unit % 4]);
  }
  CHECK(static_cast<unsigned>(Stream::activations) == 0);
  CHECK(static_cast<unsigned>(Stream::parameters) == 1);
  CHECK(static_cast<unsigned>(Stream::task_inputs) == 2);
  CHECK(static_cast<unsigned>(Stream::task_rewards) == 3);
}

TEST(uniform_lies_strictly_between_0_and_1) {
  CHECK(uwm::uniform(0) == 0x1p-33);
  CHECK(uwm::uniform(0xffffffff) == 1 - 0x1p-33);
  CHECK(uwm::uniform(0x80000000) == 0.5 + 0x1p-33);
}
