#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "uwm/error.hpp"
#include "uwm/export.hpp"

namespace uwm {

/// The types of numbers that a file can hold.
enum class Dtype { boolean, int8, uint8, int16, uint16, float16, int32, uint32, float32, int64, uint64, float64 };

/// "bool", "int8", ... "float64", as NumPy calls them.
UWM_EXPORT std::string to_string(Dtype dtype);

/// Bytes of one number.
UWM_EXPORT std::size_t item_size(Dtype dtype);

namespace detail {
template <class T>
constexpr Dtype dtype_of() {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "a file holds bool, integers, float and double");
  if constexpr (std::is_same_v<T, bool>) return Dtype::boolean;
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;
  constexpr bool is_signed = std::is_signed_v<T>;
  if constexpr (sizeof(T) == 1) return is_signed ? Dtype::int8 : Dtype::uint8;
  if constexpr (sizeof(T) == 2) return is_signed ? Dtype::int16 : Dtype::uint16;
  if constexpr (sizeof(T) == 4) return is_signed ? Dtype::int32 : Dtype::uint32;
  return is_signed ? Dtype::int64 : Dtype::uint64;
}
}  // namespace detail

template <class T>
inline constexpr Dtype dtype_of = detail::dtype_of<T>();

/// Numbers of any type and shape that a file keeps beside a network.
class UWM_EXPORT Array {
 public:
  using Shape = std::vector<std::uint64_t>;

  /// Row-major bytes. Throws ValueError unless they are as many as dtype and shape need, and booleans 0 or 1.
  Array(Dtype dtype, Shape shape, std::vector<std::byte> bytes);

  /// Row-major numbers, by default in one dimension. Throws ValueError unless they are as many as the shape needs.
  template <class T>
  explicit Array(const std::vector<T>& numbers) : Array(numbers, Shape{numbers.size()}) {}
  template <class T>
  Array(const std::vector<T>& numbers, Shape shape) : Array(dtype_of<T>, std::move(shape), bytes_of(numbers)) {}

  Dtype dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const std::vector<std::byte>& bytes() const { return bytes_; }

  /// The numbers, row-major. Throws ValueError if they are of another type.
  template <class T>
  std::vector<T> numbers() const {
    if (dtype_of<T> != dtype_)
      throw ValueError("the array must be " + to_string(dtype_of<T>) + ", got " + to_string(dtype_));
    std::vector<T> out(bytes_.size() / sizeof(T));
    if constexpr (std::is_same_v<T, bool>) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = bytes_[i] != std::byte{0};
    } else if (!out.empty()) {
      std::memcpy(out.data(), bytes_.data(), bytes_.size());
    }
    return out;
  }

  bool operator==(const Array&) const = default;

 private:
  template <class T>
  static std::vector<std::byte> bytes_of(const std::vector<T>& numbers) {
    std::vector<std::byte> bytes(numbers.size() * sizeof(T));
    if constexpr (std::is_same_v<T, bool>) {
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte{numbers[i]};
    } else if (!bytes.empty()) {
      std::memcpy(bytes.data(), numbers.data(), bytes.size());
    }
    return bytes;
  }

  Dtype dtype_;
  Shape shape_;
  std::vector<std::byte> bytes_;
};

/// Arrays and texts of one's own, by name.
using Extra = std::map<std::string, std::variant<std::string, Array>>;

}  // namespace uwm
