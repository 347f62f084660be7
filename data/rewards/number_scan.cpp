#include "data/rewards/number_scan.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data/chat/jinja_unicode.h"
#include "data/rewards/text_pieces.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxDigits = 1000;
constexpr std::size_t kMaxKept = 256;
constexpr std::int64_t kMaxExponent = 400;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80u) != 0;
}

class NumberScanner {
 public:
  explicit NumberScanner(std::string_view text) : text_(text) {}

  std::vector<FoundNumber> find_all() {
    std::vector<FoundNumber> found;
    while (at_ < text_.size()) {
      if (!starts_here()) {
        at_ += 1;
        continue;
      }
      if (std::optional<FoundNumber> number = read_number()) {
        found.push_back(std::move(*number));
        if (found.size() >= 2 * kMaxKept) found.erase(found.begin(), found.begin() + kMaxKept);
      }
    }
    if (found.size() > kMaxKept) found.erase(found.begin(), found.end() - kMaxKept);
    return found;
  }

 private:
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  char before(std::size_t at) const { return at > 0 ? text_[at - 1] : '\0'; }

  bool starts_here() const {
    if (is_digit(text_[at_])) return true;
    if (text_[at_] == '.') return is_digit(peek(at_ + 1)) && !is_letter(before(at_));
    return text_.substr(at_, 6) == "\\frac{" && is_digit(peek(at_ + 6));
  }

  std::size_t digits_end(std::size_t at) const {
    while (is_digit(peek(at))) ++at;
    return at;
  }

  // Groups of exactly three digits behind `separator`, from `at`; returns where they end.
  std::size_t groups_end(std::size_t at, std::string_view separator, std::size_t& num_groups) const {
    num_groups = 0;
    while (text_.substr(at, separator.size()) == separator &&
           digits_end(at + separator.size()) == at + separator.size() + 3) {
      at += separator.size() + 3;
      ++num_groups;
    }
    return at;
  }

  // Digits with separators and a decimal part; moves behind them.
  std::string read_digits() {
    const std::size_t first_end = digits_end(at_);
    std::size_t end = first_end;
    if (first_end > at_ && first_end - at_ <= 3) {
      for (const std::string_view separator : {",", "{,}", " ", "."}) {
        std::size_t num_groups = 0;
        const std::size_t there = groups_end(first_end, separator, num_groups);
        // One group behind a space or a point may be another number or a decimal.
        const std::size_t needed = separator == " " || separator == "." ? 2 : 1;
        if (num_groups >= needed) {
          end = there;
          break;
        }
      }
    }
    std::string digits;
    for (; at_ < end; ++at_) {
      if (is_digit(text_[at_])) digits.push_back(text_[at_]);
    }
    if (peek(at_) == '.' && is_digit(peek(at_ + 1))) {
      end = digits_end(at_ + 1);
      digits.append(text_.substr(at_, end - at_));
      at_ = end;
    }
    return digits;
  }

  std::optional<FoundNumber> read_number() {
    FoundNumber number;
    number.begin = at_;
    const bool named = is_letter(before(at_)) || before(at_) == '\\';
    const bool exponent = before(at_) == '^' || (before(at_) == '{' && at_ > 1 && text_[at_ - 2] == '^');
    if (text_[at_] == '\\') {
      if (!read_frac(number.value)) return std::nullopt;
    } else {
      read_value(number);
    }
    if (peek(at_) == ':' && is_digit(peek(at_ + 1))) {  // a time
      at_ = digits_end(at_ + 1);
      return std::nullopt;
    }
    if (named || exponent) return std::nullopt;
    read_sign(number);
    read_percent(number);
    number.end = at_;
    return number;
  }

  void read_value(FoundNumber& number) {
    const std::string digits = read_digits();
    if (digits.size() > kMaxDigits) {
      number.too_long = true;
      return;
    }
    number.value = Rational::from_decimal(digits);
    const bool whole = digits.find('.') == std::string::npos;
    if (read_exponent(number.value) || !whole) return;
    Rational fraction;
    if (read_slash(number.value, fraction)) {
      number.value = fraction;
    } else if (text_.substr(at_, 6) == "\\frac{" || (peek(at_) == ' ' && is_digit(peek(at_ + 1)))) {
      const std::size_t kept = at_;
      if (peek(at_) == ' ') ++at_;
      const bool mixed = peek(at_) == '\\' ? read_frac(fraction) : read_proper(fraction);
      if (mixed && fraction < Rational(1))
        number.value = number.value + fraction;
      else
        at_ = kept;
    }
  }

  bool read_proper(Rational& fraction) {
    const std::size_t end = digits_end(at_);
    if (end - at_ > 6) return false;
    const Rational top = Rational::from_decimal(text_.substr(at_, end - at_));
    at_ = end;
    return read_slash(top, fraction);
  }

  // top "/" digits, but no date.
  bool read_slash(const Rational& top, Rational& fraction) {
    const std::size_t end = digits_end(at_ + 1);
    if (peek(at_) != '/' || end == at_ + 1 || end - at_ > 12 || peek(end) == '/' || peek(end) == ',')
      return false;
    if (peek(end) == '.' && is_digit(peek(end + 1))) return false;
    const Rational bottom = Rational::from_decimal(text_.substr(at_ + 1, end - at_ - 1));
    if (bottom.is_zero()) return false;
    fraction = top / bottom;
    at_ = end;
    return true;
  }

  bool read_frac(Rational& fraction) {
    const std::size_t top_end = digits_end(at_ + 6), bottom_begin = top_end + 2;
    const std::size_t bottom_end = digits_end(bottom_begin);
    const bool fits = text_.substr(top_end, 2) == "}{" && bottom_end > bottom_begin &&
                      peek(bottom_end) == '}' && bottom_end - at_ < 64;
    if (!fits) {
      at_ += 6;
      return false;
    }
    const Rational top = Rational::from_decimal(text_.substr(at_ + 6, top_end - at_ - 6));
    const Rational bottom = Rational::from_decimal(text_.substr(bottom_begin, bottom_end - bottom_begin));
    at_ = bottom_end + 1;
    if (bottom.is_zero()) return false;
    fraction = top / bottom;
    return true;
  }

  std::optional<std::int64_t> small_number(std::size_t& at) const {
    const std::size_t end = digits_end(at);
    if (end == at || end - at > 4) return std::nullopt;
    std::int64_t value = 0;
    for (; at < end; ++at) value = value * 10 + (text_[at] - '0');
    return value;
  }

  // e3, ^10, \times 10^5.
  bool read_exponent(Rational& value) {
    std::size_t at = at_;
    if ((peek(at) | 32) == 'e') {
      const bool negative = peek(at + 1) == '-';
      at += peek(at + 1) == '-' || peek(at + 1) == '+' ? 2 : 1;
      const auto by = small_number(at);
      if (!by || *by > kMaxExponent || is_letter(peek(at))) return false;
      value = value * power(Rational(10), negative ? -*by : *by);
      at_ = at;
      return true;
    }
    if (peek(at) == '^') {
      const auto by = braced_exponent(++at);
      if (!by || *by < 0 || *by > 64 || !value.small() || *value.small() > 1000) return false;
      value = power(value, *by);
      at_ = at;
      return true;
    }
    while (peek(at) == ' ') ++at;
    bool times = false;
    for (const std::string_view sign : {"\\times", "\\cdot", "\xc3\x97", "*", "x"}) {
      if (times || text_.substr(at, sign.size()) != sign) continue;
      at += sign.size();
      times = true;
    }
    while (times && peek(at) == ' ') ++at;
    if (!times || text_.substr(at, 3) != "10^") return false;
    at += 3;
    const auto by = braced_exponent(at);
    if (!by || *by > kMaxExponent || *by < -kMaxExponent) return false;
    value = value * power(Rational(10), *by);
    at_ = at;
    return true;
  }

  std::optional<std::int64_t> braced_exponent(std::size_t& at) const {
    const bool braced = peek(at) == '{';
    if (braced) ++at;
    const bool negative = peek(at) == '-';
    if (negative) ++at;
    const auto value = small_number(at);
    if (!value || (braced && peek(at) != '}')) return std::nullopt;
    if (braced) ++at;
    return negative ? -*value : *value;
  }

  void read_sign(FoundNumber& number) const {
    std::size_t at = number.begin;
    const auto skip_back = [&](std::string_view what) {
      while (at > 0 && what.find(text_[at - 1]) != std::string_view::npos) --at;
    };
    skip_back("$\\ ");
    if (at == 0 || text_[at - 1] != '-') return;
    const std::size_t sign = --at;
    skip_back(" ");
    const char left = before(at);
    if (is_digit(left) || left == '%') {
      number.range_end = sign + 1 == number.begin || sign == at;
      return;
    }
    if (is_letter(left) || left == ')' || left == '}' || left == '-') return;
    number.value = -number.value;
    number.begin = sign;
  }

  void read_percent(FoundNumber& number) {
    std::size_t at = at_;
    if (peek(at) == ' ') ++at;
    if (peek(at) == '%') {
      at_ = at + 1;
      number.percent = true;
    } else if (text_.substr(at, 7) == "percent") {
      at_ = at + 7;
      number.percent = true;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

constexpr std::array<std::pair<std::string_view, int>, 30> kNumberWords = {{
    {"zero", 0},     {"one", 1},      {"two", 2},        {"three", 3},     {"four", 4},
    {"five", 5},     {"six", 6},      {"seven", 7},      {"eight", 8},     {"nine", 9},
    {"ten", 10},     {"eleven", 11},  {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14},
    {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19},
    {"twenty", 20},  {"thirty", 30},  {"forty", 40},     {"fifty", 50},    {"sixty", 60},
    {"seventy", 70}, {"eighty", 80},  {"ninety", 90},    {"hundred", 100}, {"thousand", 1000},
}};

}  // namespace

std::string fold_numbers(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = decode_valid(text.data() + at);
    const std::size_t here = std::exchange(at, at + c.num_bytes);
    if (c.value == '\\' && at < text.size() && contains(",!;: %$", text.substr(at, 1))) {
      // \, and \! are no width; an escaped per cent or dollar stands for itself.
      if (text[at] == '%' || text[at] == '$') continue;
      ++at;
    } else if (c.value < 0x80) {
      folded.push_back(static_cast<char>(c.value));
    } else if (const int digit = u_charDigitValue(static_cast<UChar32>(c.value)); digit >= 0) {
      folded.push_back(static_cast<char>('0' + digit));
    } else if (c.value == 0x2212 || c.value == 0x2010 || c.value == 0x2011 || c.value == 0x2013) {
      folded.push_back('-');
    } else if (c.value == 0xff05) {
      folded.push_back('%');
    } else if (jinja::is_space(c.value)) {
      folded.push_back(' ');
    } else {
      folded.append(text.substr(here, c.num_bytes));
    }
  }
  return folded;
}

std::vector<FoundNumber> find_numbers(std::string_view folded) {
  return NumberScanner(folded).find_all();
}

std::optional<WordNumber> number_in_words(std::string_view lowered) {
  constexpr std::array<std::string_view, 18> kMoreThanWhole = {
      "half",   "halves",  "third", "thirds", "quarter", "quarters", "fourths", "fifths",  "sixths",
      "eighth", "eighths", "tenth", "tenths", "point",   "percent",  "dozen",   "million", "billion"};
  std::int64_t total = 0, part = 0, last = 0;
  bool any = false, ended = false, negative = false, plain = true;
  std::string_view before;
  for (const std::string_view word : word_runs(lowered)) {
    const auto* const found = std::find_if(kNumberWords.begin(), kNumberWords.end(),
                                           [&](const auto& entry) { return entry.first == word; });
    if (found == kNumberWords.end()) {
      ended = any && (ended || word != "and" || last < 100);
      plain = plain && std::ranges::find(kMoreThanWhole, word) == kMoreThanWhole.end();
      before = word;
      continue;
    }
    const std::int64_t value = found->second;
    // What may follow what: twenty five, three hundred (and) four, two thousand six.
    const bool follows = !any || (value < 10 && value > 0 && last >= 20) || (value < 100 && last >= 100) ||
                         (value == 100 && part > 0 && part < 100) ||
                         (value == 1000 && total == 0 && part > 0);
    if (ended || !follows) {
      plain = false;
      break;
    }
    if (!any) negative = before == "minus" || before == "negative";
    any = true;
    last = value;
    if (value == 100) {
      part = std::max<std::int64_t>(part, 1) * 100;
    } else if (value == 1000) {
      total = std::max<std::int64_t>(part, 1) * 1000;
      part = 0;
    } else {
      part += value;
    }
  }
  if (!any) return std::nullopt;
  return WordNumber{Rational(negative ? -(total + part) : total + part), plain};
}

}  // namespace caravan::data
