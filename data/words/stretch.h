// A short run of characters that must be normalised together. Private to the words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace caravan::data {

// Where the character before text[at] begins; at > 0. Stays inside the text whatever the bytes.
inline std::size_t previous_char(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80u);
  return at;
}

// NFKC and full lower case of text[first, last), as Python's str.lower gives it: a capital sigma at the end
// of a word (judged by the text around) becomes the final one.
void normalize_stretch(std::string_view text, std::size_t first, std::size_t last, std::u32string& out);

}  // namespace caravan::data
