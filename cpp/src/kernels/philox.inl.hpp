// Philox 4x32-10 for a run of consecutive blocks of one sample; the counter layout is random.hpp's.

constexpr int philox_lanes = 16;

inline void philox_blocks(std::uint32_t first, std::uint32_t sample, std::uint32_t c2, std::uint32_t c3,
                          std::uint32_t k0, std::uint32_t k1, std::uint32_t* out) {
  std::uint32_t c[4][philox_lanes];
  for (int l = 0; l < philox_lanes; ++l) {
    c[0][l] = first + static_cast<std::uint32_t>(l);
    c[1][l] = sample;
    c[2][l] = c2;
    c[3][l] = c3;
  }
  for (int round = 0; round < 10; ++round) {
    for (int l = 0; l < philox_lanes; ++l) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0][l];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c[2][l];
      c[0][l] = static_cast<std::uint32_t>(p1 >> 32) ^ c[1][l] ^ k0;
      c[2][l] = static_cast<std::uint32_t>(p0 >> 32) ^ c[3][l] ^ k1;
      c[1][l] = static_cast<std::uint32_t>(p1);
      c[3][l] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int l = 0; l < philox_lanes; ++l)
    for (int w = 0; w < 4; ++w) out[4 * l + w] = c[w][l];
}

void words(std::uint64_t seed, std::uint64_t step, std::uint32_t stream, std::uint32_t layer, std::uint32_t sample,
           Size first, Size n, std::uint32_t* out) {
  static_assert(words_block == 4 * philox_lanes);
  const std::uint32_t c2 = static_cast<std::uint32_t>(step);
  const std::uint32_t c3 = (stream << 28) | (layer << 16) | static_cast<std::uint32_t>(step >> 32);
  for (Size unit = 0; unit < n; unit += words_block)
    philox_blocks(static_cast<std::uint32_t>((first + unit) / 4), sample, c2, c3, static_cast<std::uint32_t>(seed),
                  static_cast<std::uint32_t>(seed >> 32), out + unit);
}
