#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>

namespace uwm {

/// A file that appears whole or not at all: it is written beside the one that it replaces, and renamed at the end.
///
/// The name stays what it was: a symbolic link stays one and its target is replaced; the new file has the mode of the
/// old one, and its owner and group where the system permits. A new file obeys the umask. A file that may not be
/// written is not replaced either. A device or a pipe cannot be replaced: it is written as it is.
/// Throws std::filesystem::filesystem_error with the name that was given.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  /// Removes what was written unless publish() has succeeded.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::uint64_t size);
  void publish();

 private:
  void open_draft(bool is_private);
  void open_device();
  void keep_permissions(const struct stat& old) const;
  void discard() const;
  [[noreturn]] void fail(int error) const;

  std::filesystem::path given_, path_, draft_;
  int file_ = -1;
};

}  // namespace uwm
