#include "data/walk/whole_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "data/error.h"
#include "data/readers/byte_source.h"

namespace caravan::data {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  const int code = errno;
  std::string text = path + ": " + what + ": " + std::strerror(code);
  if (code == ENOSPC || code == EDQUOT || code == EFBIG)
    text += "; nothing is left of it, free some space and run again";
  throw Error(Error::Kind::kInputOutput, text);
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void check_target(const std::string& path, const WholeFileOptions& options) {
  struct stat target {};
  if (::stat(path.c_str(), &target) != 0) return;
  for (const std::string& input : options.inputs) {
    struct stat status {};
    const int code = input == kStdin ? ::fstat(STDIN_FILENO, &status) : ::stat(input.c_str(), &status);
    if (code == 0 && same_file(status, target)) {
      throw Error(Error::Kind::kUnsafe, path + ": is the input " + input +
                                            " itself; inputs are never changed, name another output");
    }
  }
  if (!S_ISREG(target.st_mode))
    throw Error(Error::Kind::kUsage,
                path + ": exists and is no plain file; name a file, or - for standard output");
  if (!options.force)
    throw Error(Error::Kind::kUnsafe, path + ": exists; name another output, or replace it with --force");
}

}  // namespace

WholeFile::WholeFile(std::string path, const WholeFileOptions& options)
    : path_(std::move(path)), partial_(path_ + ".partial") {
  check_target(path_, options);
  open_partial();
}

// The lock tells a file that somebody is writing from one that a killed process left. Between opening and
// locking, the other may have put it in its place: then the name leads elsewhere, and we begin again.
void WholeFile::open_partial() {
  for (;;) {
    descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) fail(partial_, "cannot be made");
    const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    struct stat mine {
    }, named{};
    const bool still_there =
        ::fstat(descriptor_, &mine) == 0 && ::stat(partial_.c_str(), &named) == 0 && same_file(mine, named);
    if (locked && still_there) break;
    ::close(std::exchange(descriptor_, -1));
    if (!locked)
      throw Error(Error::Kind::kUnsafe,
                  path_ + ": another process is writing it; wait for it or name another output");
  }
  if (::ftruncate(descriptor_, 0) != 0) fail(partial_, "cannot be emptied");
}

WholeFile::~WholeFile() {
  if (descriptor_ < 0) return;
  ::unlink(partial_.c_str());
  ::close(descriptor_);
}

void WholeFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail(path_, "cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

void WholeFile::finish() {
  if (::fsync(descriptor_) != 0) fail(path_, "cannot be written");
}

void WholeFile::commit() {
  if (::rename(partial_.c_str(), path_.c_str()) != 0) fail(path_, "cannot be put in its place");
  ::close(std::exchange(descriptor_, -1));
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor < 0) return;  // a folder that may be written but not read
  // A file system that cannot sync folders keeps the rename in its journal.
  (void)::fsync(folder_descriptor);
  ::close(folder_descriptor);
}

void write_whole_file(const std::string& path, std::string_view bytes, const WholeFileOptions& options) {
  WholeFile file(path, options);
  file.write(bytes);
  file.finish();
  file.commit();
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) return;
  throw Error(Error::Kind::kInputOutput,
              path + ": no folder can be made here: " + (error ? error.message() : "a file has that name"));
}

}  // namespace caravan::data
