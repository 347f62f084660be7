#include "data/rewards/boxed.h"

namespace caravan::data {

std::size_t closing_brace(std::string_view text, std::size_t open) {
  std::size_t depth = 0;
  for (std::size_t at = open; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

std::optional<std::string_view> last_braced(std::string_view text, std::string_view command) {
  const std::size_t found = text.rfind(command);
  if (found == std::string_view::npos) return std::nullopt;
  const std::size_t open = text.find_first_not_of(' ', found + command.size());
  if (open == std::string_view::npos || text[open] != '{') return std::nullopt;
  const std::size_t close = closing_brace(text, open);
  if (close == std::string_view::npos) return std::nullopt;
  return text.substr(open + 1, close - open - 1);
}

}  // namespace caravan::data
