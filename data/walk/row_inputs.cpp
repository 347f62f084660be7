#include "data/walk/row_inputs.h"

#include <sys/stat.h>

#include <map>
#include <utility>

#include "data/error.h"
#include "data/readers/byte_source.h"
#include "data/readers/file_list.h"

namespace caravan::data {
RowInputs::RowInputs(const std::vector<std::string>& names) {
  if (names.empty()) {
    throw Error(Error::Kind::kUsage, "no input is named; name files, globs, or - for standard input");
  }
  for (const std::string& name : names) add(name);
  std::map<std::pair<dev_t, ino_t>, std::string> known;
  for (const std::string& file : files_) {
    struct stat status {};
    const int code = file == kStdin ? ::fstat(0, &status) : ::stat(file.c_str(), &status);
    if (code != 0) continue;  // opening it will say why
    const auto [first, fresh] = known.emplace(std::pair(status.st_dev, status.st_ino), file);
    if (!fresh && S_ISREG(status.st_mode)) {
      throw Error(Error::Kind::kUsage, file + ": is named twice (first as " + first->second +
                                           "), its rows would count twice; name each file once");
    }
  }
}

void RowInputs::add(const std::string& name) {
  if (is_pipe(name)) {
    rereadable_ = false;
    files_.push_back(name);
    return;
  }
  for (std::string& file : list_files(name)) files_.push_back(std::move(file));
}

void RowInputs::need_rereadable(const std::string& command) const {
  if (rereadable_) return;
  throw Error(
      Error::Kind::kUsage,
      command + " reads its input twice, and standard input or a pipe can be read once; write it to a file");
}

}  // namespace caravan::data
