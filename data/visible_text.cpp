#include "data/visible_text.h"

#include <unicode/uchar.h>

#include <cstdio>

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

bool is_unseen(char32_t c) {
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return true;
    default:
      return false;
  }
}

std::string numbered(char kind, char32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "\\%c{%02X}", kind, static_cast<unsigned>(value));
  return text;
}

// How the next character of `text` is shown; takes it off.
std::string take_shown(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = announced_length(first);
  if (length > text.size() || find_invalid_utf8(text.substr(0, length)) != std::string_view::npos) {
    text.remove_prefix(1);
    return numbered('x', first);
  }
  const std::string_view bytes = text.substr(0, length);
  text.remove_prefix(length);
  if (bytes == "\n") return "\\n";
  if (bytes == "\t") return "\\t";
  const char32_t c = decode_valid(bytes.data()).value;
  return is_unseen(c) ? numbered('u', c) : std::string(bytes);
}

std::size_t width_of(std::string_view shown) {
  return shown[0] == '\\' ? shown.size() : 1;
}

}  // namespace

std::string visible_text(std::string_view text, std::size_t width) {
  constexpr std::string_view kMore = "...";
  std::string out;
  std::size_t used = 0, cut = 0;  // out up to `cut` leaves room for the dots
  while (!text.empty()) {
    const std::string shown = take_shown(text);
    if (used + width_of(shown) > width) return out.substr(0, cut).append(width < kMore.size() ? "" : kMore);
    out += shown;
    used += width_of(shown);
    if (used + kMore.size() <= width) cut = out.size();
  }
  return out;
}

}  // namespace caravan::data
