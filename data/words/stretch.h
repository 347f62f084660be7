// A short run of characters that must be normalised together. Private to the words.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "data/tokenizers/unicode.h"

namespace caravan::data {

// The character at text[at], whatever the bytes; U+FFFD and one byte where no valid one begins.
inline DecodedChar decode_any(std::string_view text, std::size_t at) {
  constexpr DecodedChar kBroken{0xfffd, 1};
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // of a character of so many bytes
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t size = announced_length(first);
  if ((size == 1 && first >= 0x80) || size > text.size() - at) return kBroken;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0u) != 0x80u) return kBroken;
  const DecodedChar c = decode_valid(text.data() + at);
  const bool is_surrogate = c.value >= 0xd800 && c.value < 0xe000;
  return c.value < kLeast[size] || c.value > 0x10ffff || is_surrogate ? kBroken : c;
}

// Where the character before text[at] begins, as decode_any sees it on its way forward; at > 0.
inline std::size_t previous_char(std::string_view text, std::size_t at) {
  for (std::size_t size = 1; size <= std::min<std::size_t>(at, 4); ++size)
    if ((static_cast<unsigned char>(text[at - size]) & 0xc0u) != 0x80u)
      return decode_any(text, at - size).num_bytes == size ? at - size : at - 1;
  return at - 1;
}

// NFKC and full lower case of text[first, last), as Python's str.lower gives it: a capital sigma at the end
// of a word (judged by the text around) becomes the final one.
void normalize_stretch(std::string_view text, std::size_t first, std::size_t last, std::u32string& out);

}  // namespace caravan::data
