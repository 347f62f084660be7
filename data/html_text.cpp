#include "data/html_text.h"

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

// Marks that change the direction of what follows could make a page say what the text does not.
bool turns_direction(char32_t c) {
  return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

void append_char(std::string_view bytes, char32_t c, std::string& out) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  if (c == '&') {
    out += "&amp;";
  } else if (c == '<') {
    out += "&lt;";
  } else if (c == '>') {
    out += "&gt;";
  } else if (c == '"') {
    out += "&quot;";
  } else if (c == '\'') {
    out += "&#39;";
  } else if ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || turns_direction(c)) {
    out += kReplacement;
  } else {
    out += bytes;
  }
}

}  // namespace

void append_html(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = announced_length(static_cast<unsigned char>(text[at]));
    if (at + size > text.size()) break;
    append_char(text.substr(at, size), decode_valid(text.data() + at).value, out);
    at += size;
  }
}

std::string html_text(std::string_view text) {
  std::string sound, out;
  append_lossy(text, Replacement::kPerPart, sound);
  append_html(sound, out);
  return out;
}

}  // namespace caravan::data
