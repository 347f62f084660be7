// The output of several processes on one terminal: whole lines, each with the name of who wrote it.
#pragma once

#include <string>
#include <string_view>

namespace caravan::recipes {

class LinePrefix {
 public:
  explicit LinePrefix(std::string prefix) : prefix_(std::move(prefix)) {}

  // What can be shown of what was written so far: complete lines, and the beginning of one that is longer
  // than 64 KiB as a line of its own.
  std::string add(std::string_view bytes);
  // The rest, a last line without its end.
  std::string finish();

 private:
  std::string prefix_, rest_;
};

}  // namespace caravan::recipes
