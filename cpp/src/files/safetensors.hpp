#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "files/input_file.hpp"
#include "uwm/array.hpp"

/// Reads and writes the safetensors format: the length of the header in 8 bytes, little-endian; the header, a JSON
/// object; the numbers of all tensors without gaps.
///
/// A file that is written here has the CRC-32 of all its bytes in its metadata, as "crc32". It is eight hexadecimal
/// digits, which count as eight zeros in the sum.
namespace uwm::safetensors {

using Metadata = std::map<std::string, std::string, std::less<>>;

/// A tensor to be written: row-major numbers that the caller keeps.
struct View {
  std::string name;
  Dtype dtype;
  std::vector<std::uint64_t> shape;
  const void* data;
};

/// Writes a file that appears whole or not at all. The widest numbers come first, so that all are aligned. Throws
/// std::filesystem::filesystem_error, and ValueError for names and texts that are not UTF-8 or too much for a header.
void write(const std::filesystem::path& path, Metadata metadata, std::vector<View> tensors);

/// A tensor in a file.
struct Entry {
  Dtype dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin, end;  ///< bytes, from the start of the data
};

/// An open file whose header has been read and checked, and its checksum if it has one. Numbers are read when they are
/// asked for. Throws FileError, with the file's name, for a file that is damaged, and std::filesystem::filesystem_error
/// where the system refuses.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path);

  const Metadata& metadata() const { return metadata_; }
  const std::map<std::string, Entry, std::less<>>& tensors() const { return tensors_; }

  bool has_checksum() const { return checksum_at_ != 0; }

  /// Copies a tensor's end - begin bytes to `out`.
  void read(const Entry& tensor, void* out) const;

  /// Throws FileError: the file's name, then the parts.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void parse_header(std::string_view header);
  void check_offsets(std::uint64_t data_size) const;
  void check_sum() const;

  std::filesystem::path path_;
  InputFile file_;
  std::uint64_t data_start_ = 0;
  std::uint64_t checksum_at_ = 0;  ///< place of its digits in the file; 0 if there is none
  Metadata metadata_;
  std::map<std::string, Entry, std::less<>> tensors_;
};

/// A name in quotes, fit for a message. Bytes that are not UTF-8 are replaced. The end of a long name is left out.
std::string in_quotes(std::string_view text, std::size_t most = 120);

}  // namespace uwm::safetensors
