#include "recipes/commands/field_flags.h"

namespace caravan::recipes {

void FieldHelp::add_line(const std::string& head, std::string_view help, const std::string& value) {
  constexpr std::size_t kColumn = 28, kWidth = 116;
  std::string line = "  " + head;
  if (line.size() >= kColumn) {
    text_ += line + '\n';
    line.clear();
  }
  std::string words(help);
  if (!value.empty()) words += " (" + value + ')';
  for (std::size_t at = 0; at < words.size();) {
    line.resize(kColumn, ' ');
    std::size_t end = words.size();
    if (end - at > kWidth - kColumn) end = words.rfind(' ', at + kWidth - kColumn);
    text_ += line + words.substr(at, end - at) + '\n';
    line.clear();
    at = end + 1;
  }
}

}  // namespace caravan::recipes
