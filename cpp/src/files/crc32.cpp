// CRC-32, the checksum of checkpoints.

#include "files/crc32.hpp"

#include <array>
#include <cstring>

namespace uwm {

namespace {

/// How many bytes are taken at once ("slicing by 8").
constexpr std::size_t width = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, width>;

/// tables[k][b] is the remainder that the byte b leaves after k further bytes, all zero.
constexpr Tables make_tables() {
  constexpr std::uint32_t polynomial = 0xEDB88320;  // bits reversed
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? polynomial : 0);
    tables[0][byte] = rest;
  }
  for (std::size_t k = 1; k < width; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 0xFF];
    }
  return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

void Crc32::add(const void* data, std::uint64_t size) {
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint32_t state = state_;
  for (; size >= width; at += width, size -= width) {
    unsigned char bytes[width];
    std::memcpy(bytes, at, width);
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<unsigned char>(bytes[i] ^ (state >> 8 * i & 0xFF));
    state = 0;
    for (std::size_t i = 0; i < width; ++i) state ^= tables[width - 1 - i][bytes[i]];
  }
  for (; size > 0; ++at, --size) state = state >> 8 ^ tables[0][(state ^ *at) & 0xFF];
  state_ = state;
}

}  // namespace uwm
