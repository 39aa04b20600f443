// Files that appear whole or not at all, on Windows. A new file has the permissions of its folder. A folder cannot be
// synchronised.

#include <fcntl.h>
#include <io.h>
#include <process.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "files/atomic_file.hpp"
#include "work/message.hpp"

namespace uwm {

namespace fs = std::filesystem;

AtomicFile::AtomicFile(const fs::path& path) : given_(path), path_(path) {
  if (path_.empty()) fail(ENOENT);
  std::error_code error;
  if (fs::is_symlink(path_, error)) {
    // The link stays: the file that it stands for is replaced.
    path_ = fs::weakly_canonical(path_, error);
    if (error) throw fs::filesystem_error("cannot be written", given_, error);
  }
  if (path_.filename().empty()) fail(EISDIR);
  const fs::file_status status = fs::status(path_, error);
  if (fs::is_directory(status)) fail(EISDIR);
  if (fs::exists(status) && (status.permissions() & fs::perms::owner_write) == fs::perms::none) fail(EACCES);
  if (fs::exists(status) && !fs::is_regular_file(status))
    open_device();
  else
    open_draft(false);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() const {
  if (file_ >= 0) ::_close(file_);
  if (!draft_.empty()) ::_wunlink(draft_.c_str());
}

void AtomicFile::fail(int error) const {
  throw fs::filesystem_error("cannot be written", given_, std::error_code(error, std::generic_category()));
}

void AtomicFile::open_draft(bool) {
  // The name is free: exclusive creation fails where another program has taken it.
  for (int attempt = 0; file_ < 0; ++attempt) {
    const fs::path draft = path_.parent_path() / text(".uwm-", ::_getpid(), "-", attempt, ".tmp");
    file_ = ::_wopen(draft.c_str(), _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE);
    if (file_ >= 0)
      draft_ = draft;
    else if (errno != EEXIST || attempt == 1000)
      fail(errno);
  }
}

void AtomicFile::open_device() {
  file_ = ::_wopen(path_.c_str(), _O_WRONLY | _O_BINARY | _O_NOINHERIT);
  if (file_ < 0) fail(errno);
}

void AtomicFile::write(const void* data, std::uint64_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const int done = ::_write(file_, from, static_cast<unsigned>(std::min<std::uint64_t>(size, 1u << 30)));
    if (done <= 0) fail(done < 0 ? errno : EIO);
    from += done;
    size -= static_cast<std::uint64_t>(done);
  }
}

void AtomicFile::publish() {
  const bool is_draft = !draft_.empty();
  // The bytes must be on the disk before the name points to them.
  if (is_draft && ::_commit(file_) != 0) fail(errno);
  if (::_close(std::exchange(file_, -1)) != 0) fail(errno);
  if (!is_draft) return;
  std::error_code error;
  fs::rename(draft_, path_, error);
  if (error) throw fs::filesystem_error("cannot be written", given_, error);
  draft_.clear();
}

}  // namespace uwm
