#include "recipes/shown_text.h"

#include "recipes/reader/yaml_text.h"

namespace caravan::recipes {
namespace {

bool is_control(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return (lead < 0x20 && lead != '\n' && lead != '\t') || lead == 0x7F;
  // U+0080 to U+009F: some terminals take U+009B for ESC [.
  return lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

}  // namespace

std::string shown_text(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    const std::size_t half = max_bytes / 2;
    const std::string left_out = std::to_string(text.size() - 2 * half);
    // The end says what to do. A character cut in half is shown as '?'.
    return shown_text(text.substr(0, half), half) + " ... (" + left_out + " bytes left out) ... " +
           shown_text(text.substr(text.size() - half), half);
  }
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_bytes(text, i);
    if (length == 0 || is_control(text.substr(i, length)))
      shown += '?';
    else
      shown += text.substr(i, length);
    i += length == 0 ? 1 : length;
  }
  return shown;
}

}  // namespace caravan::recipes
