// Files that appear whole or not at all, on POSIX systems.

#include "files/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "work/message.hpp"

namespace uwm {

namespace fs = std::filesystem;

namespace {

/// Linux follows as many before it gives up.
constexpr int max_links = 40;

/// Follows links to the file that the name stands for, which need not exist. Returns 0, or the error that ends the
/// search.
int follow_links(fs::path& path) {
  for (int link = 0; link <= max_links; ++link) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISLNK(status.st_mode)) return 0;
    std::error_code error;
    const fs::path target = fs::read_symlink(path, error);
    if (error) return error.value();
    path = path.parent_path() / target;  // an absolute target replaces the folder
  }
  return ELOOP;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : given_(path), path_(path) {
  if (path_.empty()) fail(ENOENT);
  if (const int error = follow_links(path_); error != 0) fail(error);
  if (path_.filename().empty()) fail(EISDIR);
  struct stat old{};
  const bool exists = ::stat(path_.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) fail(errno);
  if (exists && S_ISDIR(old.st_mode)) fail(EISDIR);
  if (exists && ::faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) != 0) fail(errno);
  if (exists && !S_ISREG(old.st_mode)) {
    open_device();
    return;
  }
  open_draft(exists);
  try {
    if (exists) keep_permissions(old);
  } catch (...) {
    discard();
    throw;
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() const {
  if (file_ >= 0) ::close(file_);
  if (!draft_.empty()) ::unlink(draft_.c_str());
}

void AtomicFile::fail(int error) const {
  throw fs::filesystem_error("cannot be written", given_, std::error_code(error, std::generic_category()));
}

void AtomicFile::open_draft(bool is_private) {
  // The name is free: exclusive creation fails where another program has taken it.
  for (int attempt = 0; file_ < 0; ++attempt) {
    const fs::path draft = path_.parent_path() / text(".uwm-", ::getpid(), "-", attempt, ".tmp");
    file_ = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_private ? 0600 : 0666);
    if (file_ >= 0)
      draft_ = draft;
    else if (errno != EEXIST || attempt == 1000)
      fail(errno);
  }
}

void AtomicFile::open_device() {
  // Without blocking, a pipe that nobody reads is refused. Otherwise the call would wait for a reader.
  file_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) fail(errno);
  if (const int flags = ::fcntl(file_, F_GETFL); flags >= 0) ::fcntl(file_, F_SETFL, flags & ~O_NONBLOCK);
}

void AtomicFile::keep_permissions(const struct stat& old) const {
  mode_t mode = old.st_mode & 07777;
  struct stat own{};
  if (::fstat(file_, &own) != 0) fail(errno);
  const bool same_owner = own.st_uid == old.st_uid || ::fchown(file_, old.st_uid, static_cast<gid_t>(-1)) == 0;
  const bool same_group = own.st_gid == old.st_gid || ::fchown(file_, static_cast<uid_t>(-1), old.st_gid) == 0;
  if (!same_owner || !same_group) mode &= 01777;  // no program may run as somebody else than before
  if (!same_group) mode = (mode & ~static_cast<mode_t>(070)) | (mode & 07) << 3;  // another group gets no more than all
  // A failure is passed over: some file systems know no modes.
  if (::fchmod(file_, mode) != 0 && errno != EPERM && errno != ENOTSUP && errno != ENOSYS) fail(errno);
}

void AtomicFile::write(const void* data, std::uint64_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t done = ::write(file_, from, static_cast<std::size_t>(std::min<std::uint64_t>(size, 1u << 30)));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(done < 0 ? errno : EIO);
    from += done;
    size -= static_cast<std::uint64_t>(done);
  }
}

void AtomicFile::publish() {
  const bool is_draft = !draft_.empty();
  // The bytes must be on the disk before the name points to them.
  if (is_draft && ::fsync(file_) != 0) fail(errno);
  if (::close(std::exchange(file_, -1)) != 0) fail(errno);
  if (!is_draft) return;
  if (::rename(draft_.c_str(), path_.c_str()) != 0) fail(errno);
  draft_.clear();
  // Synchronising the folder makes the new name last. Where the file system cannot, the file is whole all the same.
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  if (const int directory = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

}  // namespace uwm
