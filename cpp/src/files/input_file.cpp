// Reading a file on POSIX systems, with the system's own errors.

#include "files/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "work/message.hpp"

namespace uwm {

namespace fs = std::filesystem;

InputFile::InputFile(const fs::path& path) : path_(path) {
  // Opening does not block, so that a pipe is refused below. Otherwise the call would wait for a writer.
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) fail(errno);
  try {
    check();
  } catch (...) {
    ::close(file_);
    throw;
  }
}

InputFile::~InputFile() { ::close(file_); }

void InputFile::check() {
  struct stat status{};
  if (::fstat(file_, &status) != 0) fail(errno);
  if (S_ISDIR(status.st_mode)) fail(EISDIR);
  if (!S_ISREG(status.st_mode)) throw FileError("'" + path_.string() + "': is not a regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void InputFile::fail(int error) const {
  throw fs::filesystem_error("cannot be read", path_, std::error_code(error, std::generic_category()));
}

void InputFile::read_at(std::uint64_t offset, void* out, std::uint64_t size) const {
  char* to = static_cast<char*>(out);
  while (size > 0) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size, 1u << 30));
    const ssize_t done = ::pread(file_, to, piece, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(errno);
    if (done == 0) throw FileError("'" + path_.string() + "': became shorter while it was read");
    to += done;
    offset += static_cast<std::uint64_t>(done);
    size -= static_cast<std::uint64_t>(done);
  }
}

}  // namespace uwm
