// Philox 4x32-10 for the units of consecutive samples. The layout of the counter is that of random.hpp. The four words
// of a block are in the low halves of 64-bit lanes, where one instruction multiplies them. The high halves hold what is
// left of the products and are never read.

constexpr int philox_lanes = vector_bytes / 8;
typedef std::uint64_t Wide64 __attribute__((vector_size(vector_bytes)));

inline Wide64 multiply_low_halves(Wide64 a, Wide64 b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Wide64>(_mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Wide64>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Wide64>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

/// A run of counters: the blocks of one sample, then those of the next.
struct Counters {
  std::uint64_t first, blocks;  // of every sample
  std::uint64_t sample, block;  // where the run stands; block < blocks
  std::uint32_t c2, c3, k0, k1;
};

/// Computes V vectors of counters together: the products of one fill the waiting time of the others.
template <int V>
inline void philox_blocks(Counters& at, std::uint32_t* out) {
  Wide64 c0[V], c1[V], c2[V], c3[V], lane{};
  for (int l = 0; l < philox_lanes; ++l) lane[l] = static_cast<std::uint64_t>(l);
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    c0[v] = lane + at.block;
    c1[v] = Wide64{} + at.sample;
    c2[v] = Wide64{} + at.c2;
    c3[v] = Wide64{} + at.c3;
    at.block += philox_lanes;
    for (std::uint64_t end = at.blocks; end < at.block; end += at.blocks) {  // lanes that belong to later samples
      const auto beyond = c0[v] >= at.blocks;
      c0[v] -= reinterpret_cast<Wide64>(beyond) & at.blocks;
      c1[v] -= reinterpret_cast<Wide64>(beyond);
    }
    while (at.block >= at.blocks) {
      at.block -= at.blocks;
      ++at.sample;
    }
    c0[v] += at.first;
  }
  std::uint32_t k0 = at.k0, k1 = at.k1;
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const Wide64 p0 = multiply_low_halves(c0[v], Wide64{} + 0xD2511F53u);
      const Wide64 p1 = multiply_low_halves(c2[v], Wide64{} + 0xCD9E8D57u);
      c0[v] = (p1 >> 32) ^ c1[v] ^ (Wide64{} + k0);
      c2[v] = (p0 >> 32) ^ c3[v] ^ (Wide64{} + k1);
      c1[v] = p1;
      c3[v] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const Wide64 front = (c0[v] & 0xFFFFFFFFu) | (c1[v] << 32), back = (c2[v] & 0xFFFFFFFFu) | (c3[v] << 32);
#pragma GCC unroll 8
    for (int l = 0; l < philox_lanes; ++l, out += 4) {
      const std::uint64_t pair[2] = {front[l], back[l]};
      __builtin_memcpy(out, pair, sizeof pair);
    }
  }
}

void words(const Words& w, std::uint32_t* out) {
  static_assert(words_block % (4 * philox_lanes) == 0);
  const auto blocks = static_cast<std::uint64_t>((w.n + 3) / 4);
  Counters at = {.first = static_cast<std::uint64_t>(w.first / 4),
                 .blocks = blocks,
                 .sample = w.sample,
                 .block = 0,
                 .c2 = static_cast<std::uint32_t>(w.step),
                 .c3 = (w.stream << 28) | (w.layer << 16) | static_cast<std::uint32_t>(w.step >> 32),
                 .k0 = static_cast<std::uint32_t>(w.seed),
                 .k1 = static_cast<std::uint32_t>(w.seed >> 32)};
  const Size total = w.samples * static_cast<Size>(blocks);
  Size done = 0;
  const auto advance = [&](auto run, Size vectors) {
    for (; done + (vectors - 1) * philox_lanes < total; done += vectors * philox_lanes) run(at, out + 4 * done);
  };
  if (vector_bytes < 64) advance(philox_blocks<3>, 3);  // four would not fit the registers
  advance(philox_blocks<2>, 2);
  advance(philox_blocks<1>, 1);
}
