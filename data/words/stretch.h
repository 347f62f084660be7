// A short run of characters that must be normalised together. Private to the words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data/tokenizers/unicode.h"

namespace caravan::data {

// Where the character before text[at] begins; at > 0. Stays inside the text whatever the bytes.
inline std::size_t previous_char(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80u);
  return at;
}

// The character at text[at], whatever the bytes; U+FFFD and one byte where none begins or its end is missing.
inline DecodedChar decode_any(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t size = announced_length(first);
  if ((size == 1 && first >= 0x80) || size > text.size() - at) return {0xfffd, 1};
  const DecodedChar c = decode_valid(text.data() + at);
  return c.value > 0x10ffff ? DecodedChar{0xfffd, 1} : c;
}

// NFKC and full lower case of text[first, last), as Python's str.lower gives it: a capital sigma at the end
// of a word (judged by the text around) becomes the final one.
void normalize_stretch(std::string_view text, std::size_t first, std::size_t last, std::u32string& out);

}  // namespace caravan::data
