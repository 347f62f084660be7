#include "data/chat/jinja_unicode.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>

namespace caravan::data::jinja {

namespace {

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

std::string from_icu(const icu::UnicodeString& text) {
  std::string result;
  text.toUTF8String(result);
  return result;
}

icu::UnicodeString to_icu(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

bool is_cased(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASED) != 0;
}

void append_titled(std::string& result, char32_t c) {
  if (c < 0x80) {
    result += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return;
  }
  append_char(result, static_cast<char32_t>(u_totitle(static_cast<UChar32>(c))));
}

void append_lowered(std::string& result, char32_t c) {
  append_char(result, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
}

}  // namespace

char32_t next_char(std::string_view text, std::size_t& at) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(at);
  std::size_t length = sequence_length(lead);
  if (length <= 1 || at + length > text.size()) {
    ++at;
    return length == 1 ? lead : U'\xFFFD';
  }
  char32_t value = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80u) {
      ++at;
      return U'\xFFFD';
    }
    value = (value << 6) | (byte(at + i) & 0x3Fu);
  }
  at += length;
  return value;
}

void append_char(std::string& text, char32_t c) {
  auto put = [&](char32_t bits) { text += static_cast<char>(static_cast<unsigned char>(bits)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | (c >> 6));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t count_chars(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) next_char(text, at);
  return count;
}

std::size_t byte_of_char(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) next_char(text, at);
  return at;
}

// Python's str.isspace is wider than ICU's white space: it also takes the four separators U+001C..U+001F.
bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_alpha(char32_t c) {
  return u_isalpha(static_cast<UChar32>(c)) != 0;
}
bool is_digit(char32_t c) {
  return u_isdigit(static_cast<UChar32>(c)) != 0;
}
bool is_upper(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_UPPERCASE) != 0;
}
bool is_lower(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_LOWERCASE) != 0;
}

std::string to_upper(std::string_view text) {
  if (!is_ascii(text)) return from_icu(to_icu(text).toUpper(icu::Locale::getRoot()));
  std::string result(text);
  for (char& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return result;
}

std::string to_lower(std::string_view text) {
  if (!is_ascii(text)) return from_icu(to_icu(text).toLower(icu::Locale::getRoot()));
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return result;
}

std::string to_title(std::string_view text) {
  std::string result;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    char32_t c = next_char(text, at);
    if (inside) {
      append_lowered(result, c);
    } else {
      append_titled(result, c);
    }
    inside = is_cased(c);
  }
  return result;
}

std::string to_capitalized(std::string_view text) {
  if (text.empty()) return {};
  std::size_t at = 0;
  std::string result;
  append_titled(result, next_char(text, at));
  return result + to_lower(text.substr(at));
}

}  // namespace caravan::data::jinja
