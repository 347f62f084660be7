#include "models/weights/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "models/error.h"

namespace caravan::models {

namespace {

[[noreturn]] void throw_write_error(const std::string& path, const std::string& action, int error) {
  std::string text = path + ": " + action + " failed: " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) text += "; free space on this disk or choose another one";
  if (error == EFBIG) text += "; the file system or a limit (ulimit -f) allows no file of this size";
  if (error == EACCES || error == EROFS || error == EPERM) text += "; choose a folder you may write to";
  throw Error(Error::Kind::kInputOutput, text);
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_write_error(path_, "creating the file", errno);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::reserve(std::uint64_t bytes) {
  if (bytes == 0) return;
  int result = 0;
  do {
    result = ::fallocate(descriptor_, 0, 0, static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result == 0) return;
  // File systems without it (NFS, some overlays) find a full disk when it is full.
  if (errno != EOPNOTSUPP && errno != ENOSYS) {
    throw_write_error(path_, "taking " + std::to_string(bytes) + " bytes of the disk", errno);
  }
}

void OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> content) {
  constexpr std::size_t kMaxWriteBytes = std::size_t{1} << 30;  // one call writes at most 2 GiB
  while (!content.empty()) {
    const std::size_t wanted = std::min(content.size(), kMaxWriteBytes);
    const ssize_t count = ::pwrite(descriptor_, content.data(), wanted, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      throw_write_error(path_, "writing at byte " + std::to_string(offset), count < 0 ? errno : ENOSPC);
    content = content.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void OutputFile::sync() {
  if (::fsync(descriptor_) != 0) throw_write_error(path_, "syncing", errno);
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
}

void OutputFile::close() {
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0) throw_write_error(path_, "closing", errno);
}

void write_file(const std::string& path, std::string_view content) {
  OutputFile file(path);
  file.write_at(0, std::as_bytes(std::span(content)));
  file.sync();
  file.close();
}

void sync_folder(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_write_error(path, "opening the folder", errno);
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  // EINVAL: a file system that knows no sync of folders.
  if (result != 0 && error != EINVAL) throw_write_error(path, "syncing the folder", error);
}

void rename_path(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_write_error(to, "renaming " + from + " to it", errno);
}

void replace_folder(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    std::filesystem::remove_all(from);
    return;
  }
  if (errno != EINVAL && errno != ENOSYS) throw_write_error(to, "exchanging it with " + from, errno);
  const std::string old = to + ".old";
  std::filesystem::remove_all(old);
  rename_path(to, old);
  rename_path(from, to);
  std::filesystem::remove_all(old);
}

}  // namespace caravan::models
