// Arrays of a user's own, as a checkpoint keeps them.

#include "uwm/array.hpp"

#include <algorithm>

#include "work/message.hpp"

namespace uwm {

namespace {

struct Kind {
  const char* name;
  std::size_t size;
};

/// In the order of Dtype.
constexpr Kind kinds[] = {{"bool", 1},  {"int8", 1},   {"uint8", 1},   {"int16", 2}, {"uint16", 2}, {"float16", 2},
                          {"int32", 4}, {"uint32", 4}, {"float32", 4}, {"int64", 8}, {"uint64", 8}, {"float64", 8}};

const Kind& kind_of(Dtype dtype) { return kinds[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string to_string(Dtype dtype) { return kind_of(dtype).name; }

std::size_t item_size(Dtype dtype) { return kind_of(dtype).size; }

Array::Array(Dtype dtype, Shape shape, std::vector<std::byte> bytes)
    : dtype_(dtype), shape_(std::move(shape)), bytes_(std::move(bytes)) {
  // The number of bytes is divided, since a product of the sizes could overflow.
  std::size_t left = bytes_.size();
  bool fits = left % item_size(dtype) == 0;
  left /= item_size(dtype);
  const bool empty = std::find(shape_.begin(), shape_.end(), 0u) != shape_.end();
  for (const std::uint64_t n : shape_) {
    if (empty) break;
    fits = fits && left % n == 0;
    left /= n;
  }
  require(fits && left == (empty ? 0 : 1), "an array must have as many numbers as its shape needs, got ",
          bytes_.size() / item_size(dtype), " for a shape of ", shape_.size(), " dimensions");
  if (dtype == Dtype::boolean)
    for (const std::byte value : bytes_)
      require(value <= std::byte{1}, "an array of bool must hold 0 and 1, got ", static_cast<int>(value));
}

}  // namespace uwm
