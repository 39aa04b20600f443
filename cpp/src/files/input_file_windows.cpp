// Reading a file on Windows, with the system's own errors.

#include <fcntl.h>
#include <io.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "files/input_file.hpp"
#include "work/message.hpp"

namespace uwm {

namespace fs = std::filesystem;

InputFile::InputFile(const fs::path& path) : path_(path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) fail(EISDIR);
  file_ = ::_wopen(path.c_str(), _O_RDONLY | _O_BINARY | _O_NOINHERIT);
  if (file_ < 0) fail(errno);
  try {
    check();
  } catch (...) {
    ::_close(file_);
    throw;
  }
}

InputFile::~InputFile() { ::_close(file_); }

void InputFile::check() {
  std::error_code ignored;
  const std::int64_t size = ::_filelengthi64(file_);
  if (size < 0 || !fs::is_regular_file(path_, ignored))
    throw FileError("'" + path_.string() + "': is not a regular file");
  size_ = static_cast<std::uint64_t>(size);
}

void InputFile::fail(int error) const {
  throw fs::filesystem_error("cannot be read", path_, std::error_code(error, std::generic_category()));
}

void InputFile::read_at(std::uint64_t offset, void* out, std::uint64_t size) const {
  if (::_lseeki64(file_, static_cast<std::int64_t>(offset), SEEK_SET) < 0) fail(errno);
  char* to = static_cast<char*>(out);
  while (size > 0) {
    const auto piece = static_cast<unsigned>(std::min<std::uint64_t>(size, 1u << 30));
    const int done = ::_read(file_, to, piece);
    if (done < 0) fail(errno);
    if (done == 0) throw FileError("'" + path_.string() + "': became shorter while it was read");
    to += done;
    size -= static_cast<std::uint64_t>(done);
  }
}

}  // namespace uwm
