// Texts of nothing but white space, as Python's str.strip sees it.
#pragma once

#include <string_view>

#include "data/tokenizers/unicode.h"

namespace caravan::data {

inline bool is_strip_space(char32_t c) {
  return (c >= 0x1c && c <= 0x1f) || (CharClasses::instance().of(c) & kSpace) != 0;
}

// Valid UTF-8 without the white space at both ends.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty()) {
    const DecodedChar first = decode_valid(text.data());
    if (!is_strip_space(first.value)) break;
    text.remove_prefix(first.num_bytes);
  }
  while (!text.empty()) {
    const char* last = previous_valid(text.data() + text.size());
    if (!is_strip_space(decode_valid(last).value)) break;
    text.remove_suffix(static_cast<std::size_t>(text.data() + text.size() - last));
  }
  return text;
}

}  // namespace caravan::data
