#pragma once

#include <cstdint>

namespace uwm {

/// The cyclic redundancy check of gzip, PNG and Python's zlib.crc32, taken piece by piece. It finds every damage within
/// 32 bits in a row, and every two bits that are less than 2^32 bits apart.
class Crc32 {
 public:
  void add(const void* data, std::uint64_t size);
  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = ~std::uint32_t{0};
};

}  // namespace uwm
