#include "models/weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "models/error.h"

namespace caravan::models {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

[[noreturn]] void throw_read_error(const std::string& path, int error) {
  const bool absent = error == ENOENT || error == ENOTDIR;
  throw Error(absent ? Error::Kind::kData : Error::Kind::kInputOutput,
              path + (absent ? ": no such file; check the path and that the checkpoint was copied completely"
                             : std::string(": cannot be read: ") + std::strerror(error)));
}

// Throws where the descriptor is none, or not that of a regular file.
std::size_t regular_file_size(int descriptor, const std::string& path) {
  if (descriptor < 0) throw_read_error(path, errno);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw_read_error(path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(Error::Kind::kData, path + ": is not a regular file (folder, pipe or device); give a file");
  }
  return static_cast<std::size_t>(status.st_size);
}

// O_NONBLOCK: opening a pipe must fail the check above instead of waiting for a writer.
int open_for_reading(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const Descriptor descriptor(open_for_reading(path));
  size_ = regular_file_size(descriptor.get(), path);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor.get(), 0);
  if (address == MAP_FAILED) throw_read_error(path, errno);
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string read_text_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor descriptor(open_for_reading(path));
  const std::size_t size = regular_file_size(descriptor.get(), path);
  if (size > max_bytes) {
    throw Error(Error::Kind::kData, path + ": has " + std::to_string(size) + " bytes, at most " +
                                        std::to_string(max_bytes) +
                                        " are read; this is not the file it should be");
  }
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(descriptor.get(), text.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_read_error(path, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return text;
}

}  // namespace caravan::models
