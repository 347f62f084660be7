// A file that only grows, for records that must survive a crash. Throws Error (input/output) with path and
// reason; a full disk is one of the reasons. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace caravan::trainer {

class AppendFile {
 public:
  // Opens or creates; the parent folder must exist.
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&&) = delete;

  // Appends the bytes by one system call where the kernel takes them at once, so that rows of two processes
  // do not mix.
  void write(std::string_view bytes);
  // Returns when file and size are on the disk.
  void sync();
  void truncate(std::uint64_t size_bytes);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

// Writes a whole file or nothing: temporary file beside it, fsync, rename, fsync of the folder. Of two
// processes that write one name the second waits for the first.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace caravan::trainer
