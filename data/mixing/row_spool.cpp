#include "data/mixing/row_spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "data/error.h"

namespace caravan::data {
namespace {

constexpr std::size_t kBufferBytes = 1u << 20;

[[noreturn]] void fail(const std::string& folder, const char* what) {
  const int code = errno;
  throw Error(Error::Kind::kInputOutput,
              folder + ": the rows of the mix cannot be " + what + " here: " + std::strerror(code) +
                  "; the mix needs as much space again as its rows while it is made");
}

}  // namespace

RowSpool::RowSpool(const std::string& beside) {
  folder_ = beside == "-" ? std::filesystem::temp_directory_path().string()
                          : std::filesystem::path(beside).parent_path().string();
  if (folder_.empty()) folder_ = ".";
  std::string name = folder_ + "/.caravan-mix-XXXXXX";
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail(folder_, "kept");
  ::unlink(name.c_str());
}

RowSpool::~RowSpool() {
  if (bytes_ != nullptr) ::munmap(const_cast<char*>(bytes_), size_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RowSpool::add(std::uint32_t number, std::string_view line) {
  if (begins_.size() <= number) begins_.resize(static_cast<std::size_t>(number) + 1);
  begins_[number] = size_;
  buffer_ += line;
  buffer_ += '\n';
  size_ += line.size() + 1;
  if (buffer_.size() >= kBufferBytes) flush();
}

void RowSpool::flush() {
  for (std::string_view rest = buffer_; !rest.empty();) {
    const ssize_t wrote = ::write(descriptor_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail(folder_, "kept");
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  buffer_.clear();
}

void RowSpool::finish() {
  flush();
  if (size_ == 0) return;
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (mapped == MAP_FAILED) fail(folder_, "read");
  bytes_ = static_cast<const char*>(mapped);
}

std::string_view RowSpool::line(std::uint32_t number) const {
  const char* const begin = bytes_ + begins_[number];
  const auto* const end = static_cast<const char*>(std::memchr(begin, '\n', size_ - begins_[number]));
  return {begin, static_cast<std::size_t>(end - begin) + 1};
}

}  // namespace caravan::data
