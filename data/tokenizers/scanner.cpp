#include "data/tokenizers/scanner.h"

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstdint>

#include "data/tokenizers/unicode.h"

namespace caravan::data {

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

const CharClasses& classes() {
  static const CharClasses& instance = CharClasses::instance();
  return instance;
}

// The classes of ASCII without a trip through the ICU table: the hot path must not wait for a static's guard.
constexpr std::array<std::uint8_t, 128> make_ascii() {
  std::array<std::uint8_t, 128> table{};
  for (unsigned c = 0; c < 128; ++c) {
    if (c >= 'a' && c <= 'z') table[c] = kLetter | kLower;
    if (c >= 'A' && c <= 'Z') table[c] = kLetter | kUpper;
    if (c >= '0' && c <= '9') table[c] = kNumber;
    if (c == ' ' || (c >= 9 && c <= 13)) table[c] = kSpace;
    if (c == '\r' || c == '\n') table[c] |= kNewline;
  }
  return table;
}
constexpr std::array<std::uint8_t, 128> kAscii = make_ascii();

struct Char {
  unsigned classes;
  std::uint32_t num_bytes;
};

__attribute__((noinline)) Char read_wide(const char* p) {
  const DecodedChar c = decode_valid(p);
  return {classes().of(c.value), c.num_bytes};
}

inline Char read(const char* p) {
  const auto byte = static_cast<unsigned char>(*p);
  if (byte < 0x80) [[likely]] {
    return {kAscii[byte], 1};
  }
  return read_wide(p);
}

// End of the run of characters that have any of the classes `wanted`.
inline const char* skip(const char* p, const char* end, unsigned wanted) {
  while (p < end) {
    const Char c = read(p);
    if (!(c.classes & wanted)) break;
    p += c.num_bytes;
  }
  return p;
}

// End of the run of letters: 32 bytes of ASCII at a time.
inline const char* skip_letters(const char* p, const char* end) {
  while (end - p >= 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i lower = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
    const __m256i from_a = _mm256_sub_epi8(lower, _mm256_set1_epi8('a'));
    const __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(from_a, _mm256_set1_epi8(25)), from_a);
    const auto others = ~static_cast<std::uint32_t>(_mm256_movemask_epi8(is_letter));
    if (others == 0) {
      p += 32;
      continue;
    }
    p += std::countr_zero(others);
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x80) return p;
    const Char c = read_wide(p);
    if (!(c.classes & kLetter)) return p;
    p += c.num_bytes;
    // After one wide letter another is likely, so the next ones are read one by one.
    while (p < end && static_cast<unsigned char>(*p) >= 0x80) {
      const Char next = read_wide(p);
      if (!(next.classes & kLetter)) return p;
      p += next.num_bytes;
    }
  }
  return skip(p, end, kLetter);
}

// End of the run of characters that are neither space, letter nor number.
inline const char* skip_symbols(const char* p, const char* end) {
  while (p < end) {
    const Char c = read(p);
    if (c.classes & (kSpace | kLetter | kNumber)) break;
    p += c.num_bytes;
  }
  return p;
}

// \s+(?!\S)|\s+ : leaves the last space to the word that follows.
inline const char* before_last_space(const char* begin, const char* run_end, const char* end) {
  if (run_end == end) return run_end;
  const char* last = previous_valid(run_end);
  return last > begin ? last : run_end;
}

// Length of a contraction ('s 't 're 've 'm 'll 'd) at `p`, which holds an apostrophe; 0 where there is none.
// Without regard to case also U+017F, the long s: it folds to s.
inline int contraction(const char* p, const char* end, bool any_case) {
  if (end - p < 2) return 0;
  const auto letter = [&](int i) {
    const char c = p[i];
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  };
  switch (letter(1)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return end - p >= 3 && letter(2) == 'e' ? 3 : 0;
    case 'l':
      return end - p >= 3 && letter(2) == 'l' ? 3 : 0;
    case '\xc5':
      return any_case && end - p >= 3 && p[2] == '\xbf' ? 3 : 0;
    default:
      return 0;
  }
}

const char* next_gpt2(const char* p, const char* end) {
  if (*p == '\'') {
    if (const int length = contraction(p, end, false)) return p + length;
  }
  const char* const begin = p;
  Char c = read(p);
  if (*p == ' ' && end - p > 1) {
    const Char next = read(p + 1);
    if (!(next.classes & kSpace)) {
      ++p;
      c = next;
    }
  }
  const char* const rest = p + c.num_bytes;
  if (c.classes & kLetter) return skip_letters(rest, end);
  if (c.classes & kNumber) return skip(rest, end, kNumber);
  if (!(c.classes & kSpace)) return skip_symbols(rest, end);
  return before_last_space(begin, skip(rest, end, kSpace), end);
}

// \s*[\r\n]+|\s+(?!\S)|\s+ for a run of spaces that starts at `p`.
const char* next_space_or_newline(const char* p, const char* end) {
  const char* after_newline = nullptr;
  const char* q = p;
  while (q < end) {
    const Char c = read(q);
    if (!(c.classes & kSpace)) break;
    q += c.num_bytes;
    if (c.classes & kNewline) after_newline = q;
  }
  return after_newline ? after_newline : before_last_space(p, q, end);
}

inline const char* take_numbers(const char* p, const char* end, int most) {
  for (int i = 0; i < most && p < end; ++i) {
    const Char c = read(p);
    if (!(c.classes & kNumber)) break;
    p += c.num_bytes;
  }
  return p;
}

//  ?[^\s\p{L}\p{N}]+[\r\n]* , with `slash` also / among the characters of the tail.
inline const char* take_symbols(const char* p, const char* end, bool slash) {
  p = skip_symbols(p, end);
  while (p < end && (*p == '\r' || *p == '\n' || (slash && *p == '/'))) ++p;
  return p;
}

// The part of the pattern after its letters: numbers, symbols, spaces.
inline const char* next_other(const char* p, const char* end, Char c, int numbers, bool slash) {
  if (c.classes & kNumber) return take_numbers(p, end, numbers);
  if (!(c.classes & kSpace)) return take_symbols(p + c.num_bytes, end, slash);
  if (*p == ' ' && end - p > 1) {
    const Char next = read(p + 1);
    if (!(next.classes & (kSpace | kLetter | kNumber)))
      return take_symbols(p + 1 + next.num_bytes, end, slash);
  }
  return next_space_or_newline(p, end);
}

// cl100k: Llama 3 takes numbers by three, Qwen 2 one by one.
template <int kNumbers>
const char* next_cl100k(const char* p, const char* end) {
  const Char c = read(p);
  if (c.classes & kLetter) return skip_letters(p + c.num_bytes, end);
  if (!(c.classes & (kNumber | kNewline))) {
    if (*p == '\'') {
      if (const int length = contraction(p, end, true)) return p + length;
    }
    const char* const next = p + c.num_bytes;
    if (next < end) {
      const Char after = read(next);
      if (after.classes & kLetter) return skip_letters(next + after.num_bytes, end);
    }
  }
  return next_other(p, end, c, kNumbers, false);
}

// U*L+ at `p`, U = kUpper, L = kLower: greedy with one step back where the run of U is followed by no L. Null
// where it fails.
inline const char* upper_then_lower(const char* p, const char* end) {
  const char* const upper_end = skip(p, end, kUpper);
  if (upper_end < end && (read(upper_end).classes & kLower)) return skip(upper_end, end, kLower);
  for (const char* q = upper_end; q > p;) {
    q = previous_valid(q);
    const Char c = read(q);
    if (c.classes & kLower) return q + c.num_bytes;
  }
  return nullptr;
}

// U+L* at `p`. Null where it fails.
inline const char* upper_and_lower(const char* p, const char* end) {
  const char* const upper_end = skip(p, end, kUpper);
  return upper_end == p ? nullptr : skip(upper_end, end, kLower);
}

// o200k: words by case. The first alternative is tried with and without a leading symbol, then the second.
template <int kNumbers, bool kContractions>
const char* next_o200k(const char* p, const char* end) {
  const Char c = read(p);
  const bool may_lead = !(c.classes & (kNewline | kLetter | kNumber));
  const char* const after = p + c.num_bytes;
  const char* word = nullptr;
  if (may_lead) word = upper_then_lower(after, end);
  if (!word) word = upper_then_lower(p, end);
  if (!word && may_lead) word = upper_and_lower(after, end);
  if (!word) word = upper_and_lower(p, end);
  if (word) {
    if (kContractions && word < end && *word == '\'') return word + contraction(word, end, true);
    return word;
  }
  return next_other(p, end, c, kNumbers, true);
}

}  // namespace

NextWord find_scanner(std::string_view pattern) {
  constexpr std::string_view kQwen2 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  constexpr std::string_view kO200k =
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
      R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  constexpr std::string_view kTekken =
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
      R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  if (pattern == kGpt2Pattern) return &next_gpt2;
  if (pattern == kLlama3Pattern) return &next_cl100k<3>;
  if (pattern == kQwen2) return &next_cl100k<1>;
  if (pattern == kO200k) return &next_o200k<3, true>;
  if (pattern == kTekken) return &next_o200k<1, false>;
  return nullptr;
}

}  // namespace caravan::data
