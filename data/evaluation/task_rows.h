// The rows of a task's files, in the order of files and lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::data {

struct TaskRow {
  Json row;          // an object
  std::string part;  // what the * of the glob matched; empty without one
  std::string file;
  std::uint64_t line = 0;
  std::string place() const { return file + ":" + std::to_string(line); }
};

struct TaskFile {
  std::string path;
  std::string part;
  std::string sha256;  // of its bytes, after read_task_rows
};

// Throws data::Error: no such file (usage; the message ends with `advice`), as list_files.
std::vector<TaskFile> list_task_files(const std::string& path_or_glob, const std::string& advice);

// All rows of a file, at most `most` (0: all). Unlike rows for training, a damaged row is an Error (data)
// with its line: a test set that lacks an item is another test set. `header`: see CsvRows.
std::vector<TaskRow> read_task_rows(TaskFile& file, bool header, std::size_t most);

// The file of `pattern` for a part: its * replaced.
std::string path_of_part(const std::string& pattern, const std::string& part);

}  // namespace caravan::data
