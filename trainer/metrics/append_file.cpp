#include "trainer/metrics/append_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "trainer/error.h"

namespace caravan::trainer {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* action) {
  const int code = errno;
  std::string message = path.string() + ": cannot " + action + ": " + std::generic_category().message(code);
  if (code == ENOSPC || code == EDQUOT)
    message += "; free some space and start the run again, it goes on from its last checkpoint";
  throw Error(Error::Kind::kInputOutput, message);
}

void write_all(int descriptor, const std::filesystem::path& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path, "write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_or_fail(int descriptor, const std::filesystem::path& path) {
  // Devices and pipes cannot be synced, and need not be.
  if (::fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) fail(path, "sync to disk");
}

// The temporary file of a name, which two processes may write: the second waits until the first has put its
// own in place, and then makes a new one.
int open_alone(const std::filesystem::path& temporary) {
  for (;;) {
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) fail(temporary, "create");
    // Where a file system knows no locks nobody waits.
    while (::flock(descriptor, LOCK_EX) != 0 && errno == EINTR) continue;
    struct stat own = {}, named = {};
    if (::fstat(descriptor, &own) == 0 && ::stat(temporary.c_str(), &named) == 0 &&
        own.st_ino == named.st_ino && own.st_dev == named.st_dev)
      return descriptor;
    ::close(descriptor);
  }
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(path_, "open for appending");
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AppendFile::write(std::string_view bytes) {
  write_all(descriptor_, path_, bytes);
}

void AppendFile::sync() {
  sync_or_fail(descriptor_, path_);
}

void AppendFile::truncate(std::uint64_t size_bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size_bytes)) != 0) fail(path_, "truncate");
}

void replace_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::path temporary = path;
  temporary += ".writing";
  const int descriptor = open_alone(temporary);
  try {
    if (::ftruncate(descriptor, 0) != 0) fail(temporary, "truncate");
    write_all(descriptor, temporary, bytes);
    sync_or_fail(descriptor, temporary);
  } catch (...) {
    ::unlink(temporary.c_str());
    ::close(descriptor);
    throw;
  }
  const bool renamed = ::rename(temporary.c_str(), path.c_str()) == 0;
  const int why = errno;
  ::close(descriptor);
  errno = why;
  if (!renamed) fail(path, "put in place");
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor < 0) fail(folder, "open");
  // A file system that cannot sync folders keeps the rename in its journal.
  (void)::fsync(folder_descriptor);
  ::close(folder_descriptor);
}

}  // namespace caravan::trainer
