#include <unicode/uchar.h>

#include "data/rewards/gsm8k.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

// Bytes of the decimal digit, of any script, at text[at]; 0 where there is none, within a character too.
std::size_t digit_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return first >= '0' && first <= '9' ? 1 : 0;
  if (first < 0xc0) return 0;
  const DecodedChar c = decode_valid(text.data() + at);
  return u_charDigitValue(static_cast<UChar32>(c.value)) >= 0 ? c.num_bytes : 0;
}

std::size_t digits_end(std::string_view text, std::size_t at) {
  while (const std::size_t length = digit_at(text, at)) at += length;
  return at;
}

// A comma between two digits goes; the digit behind it is not looked at again.
std::string without_commas(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t digit = digit_at(text, at);
    const std::size_t behind = at + digit;
    const std::size_t second =
        digit > 0 && behind < text.size() && text[behind] == ',' ? digit_at(text, behind + 1) : 0;
    if (second > 0) {
      result.append(text.substr(at, digit)).append(text.substr(behind + 1, second));
      at = behind + 1 + second;
    } else {
      result.push_back(text[at++]);
    }
  }
  return result;
}

}  // namespace

std::string last_number_by_rules(std::string_view text, bool tulu3) {
  const std::string plain = without_commas(text);
  std::size_t begin = 0, length = 0;
  for (std::size_t at = 0; at < plain.size();) {
    const bool sign = plain[at] == '-' || plain[at] == '+';
    const std::size_t digits = at + (sign ? 1 : 0), whole_end = digits_end(plain, digits);
    const bool point =
        whole_end < plain.size() && plain[whole_end] == '.' && digit_at(plain, whole_end + 1) > 0;
    std::size_t end = at;
    if (point)
      end = digits_end(plain, whole_end + 1);
    else if (whole_end > digits && !(sign && tulu3))
      end = whole_end;
    if (end == at) {
      ++at;
      continue;
    }
    begin = at;
    length = end - at;
    at = end;
  }
  return length > 0 ? plain.substr(begin, length) : plain;
}

}  // namespace caravan::data
