// Random numbers: Philox 4x32-10, and the word that belongs to one unit of one sample.

#include "uwm/random.hpp"

namespace uwm {

std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 4>& counter,
                                    const std::array<std::uint32_t, 2>& key) {
  auto c = counter;
  auto k = key;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

std::uint32_t random_word(const Position& position, Stream stream, std::uint32_t layer, std::uint32_t sample,
                          std::uint32_t unit) {
  const std::uint32_t last =
      (static_cast<std::uint32_t>(stream) << 28) | (layer << 16) | static_cast<std::uint32_t>(position.step >> 32);
  const auto words =
      philox({unit / 4, sample, static_cast<std::uint32_t>(position.step), last},
             {static_cast<std::uint32_t>(position.seed), static_cast<std::uint32_t>(position.seed >> 32)});
  return words[unit % 4];
}

double uniform(std::uint32_t word) { return (word + 0.5) * 0x1p-32; }

}  // namespace uwm
