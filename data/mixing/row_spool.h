// Lines kept aside until their turn: written in one order, read in any other.
//
// They lie in a file without a name in the folder of the output, so that memory does not grow with them (8
// bytes a line) and a process that is killed leaves nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

class RowSpool {
 public:
  // `beside`: the output; "-" takes the folder for temporary files. Throws data::Error (input/output).
  explicit RowSpool(const std::string& beside);
  ~RowSpool();
  RowSpool(const RowSpool&) = delete;
  RowSpool& operator=(const RowSpool&) = delete;

  // Line `number` without its line feed; once for each number, in any order. Throws data::Error
  // (input/output), a full disk included.
  void add(std::uint32_t number, std::string_view line);
  // No line may be added any more.
  void finish();
  // With its line feed; valid as long as the spool. The number must have been added.
  std::string_view line(std::uint32_t number) const;

 private:
  void flush();

  std::string folder_;
  int descriptor_ = -1;
  std::string buffer_;
  std::uint64_t size_ = 0;
  std::vector<std::uint64_t> begins_;  // by number
  const char* bytes_ = nullptr;        // mapped
};

}  // namespace caravan::data
