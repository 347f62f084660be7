#include "recipes/launch/line_prefix.h"

namespace caravan::recipes {

namespace {
constexpr std::size_t kLongestLine = 64 << 10;
}

std::string LinePrefix::add(std::string_view bytes) {
  std::string shown;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    rest_ += bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (end != std::string_view::npos || rest_.size() >= kLongestLine) {
      shown += prefix_ + rest_ + "\n";
      rest_.clear();
    }
  }
  return shown;
}

std::string LinePrefix::finish() {
  std::string shown = rest_.empty() ? "" : prefix_ + rest_ + "\n";
  rest_.clear();
  return shown;
}

}  // namespace caravan::recipes
