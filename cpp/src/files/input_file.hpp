#pragma once

#include <cstdint>
#include <filesystem>

namespace uwm {

/// A regular file, open for reading at any place. Throws std::filesystem::filesystem_error where the system refuses,
/// and FileError for a file that is not regular or becomes shorter while it is read.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::uint64_t size() const { return size_; }  ///< bytes, when it was opened
  void read_at(std::uint64_t offset, void* out, std::uint64_t size) const;

 private:
  void check();
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace uwm
