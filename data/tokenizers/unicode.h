// UTF-8 and the few character classes that tokenizer patterns speak of.
//
// Classes are those of Unicode 16 (of ICU's data where that is newer), kept in a two-level table of about 100
// kB that is made once per process. Functions that say "valid" read without checks: encode() proves a text
// valid first.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// What a character is, as bits. kUpper and kLower are o200k's classes: both hold Lm, Lo and M.
enum CharClass : std::uint8_t {
  kLetter = 1,        // \p{L}
  kNumber = 2,        // \p{N}
  kSpace = 4,         // White_Space, which is \s in Rust's and Oniguruma's patterns
  kNewline = 8,       // \r or \n
  kUpper = 16,        // Lu Lt Lm Lo M
  kLower = 32,        // Ll Lm Lo M
  kWord = 64,         // \w: Alphabetic, M, Nd, Pc, Join_Control
  kPunctuation = 128  // ASCII punctuation and \p{P}
};

class CharClasses {
 public:
  // The table of this process; built at the first call (a few milliseconds), thread safe.
  static const CharClasses& instance();

  std::uint8_t of(char32_t c) const { return blocks_[stage_[c >> 8] * 256u + (c & 255u)]; }

 private:
  CharClasses();
  std::array<std::uint16_t, 0x1100> stage_;
  std::vector<std::uint8_t> blocks_;  // block 0 is U+0000..U+00FF
};

// What \w is to Python: a letter, a number or an underline.
inline bool is_word_char(char32_t c) {
  return c == '_' || (CharClasses::instance().of(c) & (kLetter | kNumber)) != 0;
}

struct DecodedChar {
  char32_t value;
  std::uint32_t num_bytes;
};

// The character at `p` of valid UTF-8.
inline DecodedChar decode_valid(const char* p) {
  const auto byte = [p](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xe0) return {(first & 31u) << 6 | (byte(1) & 63u), 2};
  if (first < 0xf0) return {(first & 15u) << 12 | (byte(1) & 63u) << 6 | (byte(2) & 63u), 3};
  return {(first & 7u) << 18 | (byte(1) & 63u) << 12 | (byte(2) & 63u) << 6 | (byte(3) & 63u), 4};
}

// Length of the character that a first byte announces; 1 for a byte that starts none.
inline std::size_t announced_length(unsigned char first) {
  return first < 0xc2 || first > 0xf4 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

// Start of the character that ends before `p`, in valid UTF-8.
inline const char* previous_valid(const char* p) {
  do {
    --p;
  } while ((static_cast<unsigned char>(*p) & 0xc0u) == 0x80u);
  return p;
}

void append_utf8(char32_t c, std::string& out);

// Byte offset of the first ill-formed sequence, or npos where `text` is valid UTF-8.
std::size_t find_invalid_utf8(std::string_view text);

// Appends `bytes` with ill-formed sequences replaced.
void append_lossy(std::string_view bytes, Replacement replacement, std::string& out);

// Number of bytes at the end of `bytes` (0..3) that may still become a character when more bytes follow.
std::size_t incomplete_tail(std::string_view bytes);

}  // namespace caravan::data
