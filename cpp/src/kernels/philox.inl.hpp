// Philox 4x32-10 for a run of consecutive blocks of one sample; the counter layout is random.hpp's. A block's four
// words sit in the low halves of 64-bit lanes, where one instruction multiplies them; the high halves hold what is left
// over from the products and are never read.

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

struct PhiloxKey {
  std::uint32_t sample, c2, c3, k0, k1;
};

/// V vectors of blocks at once, so that one's products fill the waiting time of the other's.
template <int V>
inline void philox_blocks(std::uint64_t first, const PhiloxKey& key, std::uint32_t* out) {
  Wide64 c0[V], c1[V], c2[V], c3[V], lane{};
  for (int l = 0; l < philox_lanes; ++l) lane[l] = static_cast<std::uint64_t>(l);
  for (int v = 0; v < V; ++v) {
    c0[v] = lane + (first + static_cast<std::uint64_t>(v * philox_lanes));
    c1[v] = Wide64{} + key.sample;
    c2[v] = Wide64{} + key.c2;
    c3[v] = Wide64{} + key.c3;
  }
  std::uint32_t k0 = key.k0, k1 = key.k1;
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
  for (int v = 0; v < V; ++v) {
    const Wide64 front = (c0[v] & 0xFFFFFFFFu) | (c1[v] << 32), back = (c2[v] & 0xFFFFFFFFu) | (c3[v] << 32);
    for (int l = 0; l < philox_lanes; ++l, out += 4) {
      const std::uint64_t pair[2] = {front[l], back[l]};
      __builtin_memcpy(out, pair, sizeof pair);
    }
  }
}

void words(std::uint64_t seed, std::uint64_t step, std::uint32_t stream, std::uint32_t layer, std::uint32_t sample,
           Size first, Size n, std::uint32_t* out) {
  static_assert(words_block % (4 * philox_lanes) == 0);
  const PhiloxKey key = {.sample = sample,
                         .c2 = static_cast<std::uint32_t>(step),
                         .c3 = (stream << 28) | (layer << 16) | static_cast<std::uint32_t>(step >> 32),
                         .k0 = static_cast<std::uint32_t>(seed),
                         .k1 = static_cast<std::uint32_t>(seed >> 32)};
  constexpr Size per_vector = 4 * philox_lanes;
  const auto block = static_cast<std::uint64_t>(first / 4);
  Size unit = 0;
  const auto advance = [&](auto run, Size vectors) {
    while (unit + (vectors - 1) * per_vector < n) {
      run(block + static_cast<std::uint64_t>(unit / 4), key, out + unit);
      unit += vectors * per_vector;
    }
  };
  if (vector_bytes < 64) advance(philox_blocks<4>, 4);
  advance(philox_blocks<2>, 2);
  advance(philox_blocks<1>, 1);
}
