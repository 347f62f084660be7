// A whole regular file mapped into memory, read only.
//
// The map sees later changes of the file: a file cut short by someone else while it is mapped makes reads
// fail with SIGBUS, which no reader of maps can prevent. Checkpoints are replaced by rename, never in place,
// so maps of ours stay valid.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace caravan::models {

class MappedFile {
 public:
  // Throws Error: 65 where there is no such file or it is no regular file (a pipe would hang), 74 where it
  // cannot be read.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// The content of a text file of at most max_bytes. Throws Error as MappedFile does, and 65 where the file is
// larger.
std::string read_text_file(const std::string& path, std::size_t max_bytes);

}  // namespace caravan::models
