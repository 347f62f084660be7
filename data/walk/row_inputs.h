// What a command line names as its input, resolved to the files that are read, in their order.
#pragma once

#include <string>
#include <vector>

namespace caravan::data {

class RowInputs {
 public:
  // Each name is a file, a glob, or "-" for standard input; names keep their order, what a glob matches is
  // sorted by bytes. Throws data::Error: as list_files, nothing named, a file named twice (also by two
  // paths).
  explicit RowInputs(const std::vector<std::string>& names);

  const std::vector<std::string>& files() const { return files_; }
  // False where one of them is a pipe or standard input, which can be read once.
  bool rereadable() const { return rereadable_; }
  // Throws data::Error (usage), telling that `command` reads its input more than once.
  void need_rereadable(const std::string& command) const;

 private:
  void add(const std::string& name);

  std::vector<std::string> files_;
  bool rereadable_ = true;
};

}  // namespace caravan::data
