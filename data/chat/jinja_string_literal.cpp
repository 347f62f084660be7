#include "data/chat/jinja_string_literal.h"

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

class Unescaper {
 public:
  Unescaper(std::string_view body, std::size_t position) : body_(body), position_(position) {}

  std::string run() {
    while (at_ < body_.size()) {
      if (body_[at_] == '\\' && at_ + 1 < body_.size()) {
        ++at_;
        read_escape();
      } else {
        result_ += body_[at_++];
      }
    }
    return result_;
  }

 private:
  // Up to `most` digits of `base`; exactly `most` where `exact`.
  char32_t read_digits(int base, int most, bool exact) {
    char32_t value = 0;
    int count = 0;
    for (; count < most && at_ < body_.size() && digit_value(body_[at_]) < base; ++count, ++at_) {
      value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit_value(body_[at_]));
    }
    if (exact && count < most) fail("needs " + std::to_string(most) + " hexadecimal digits");
    return value;
  }

  void add_code(char32_t code) {
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) fail("names no character");
    append_char(result_, code);
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw PlacedFault(position_, "an escape in this text " + why,
                      "allowed are \\n \\t \\xHH \\uHHHH \\UHHHHHHHH \\\\ and the like");
  }

  void read_escape() {
    char c = body_[at_];
    constexpr std::string_view kNames = "abfnrtv\\'\"";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
    if (std::size_t i = kNames.find(c); i != std::string_view::npos) {
      result_ += kValues[i];
      ++at_;
    } else if (c == '\n') {
      ++at_;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      ++at_;
      add_code(read_digits(16, c == 'x' ? 2 : c == 'u' ? 4 : 8, true));
    } else if (c >= '0' && c <= '7') {
      add_code(read_digits(8, 3, false));
    } else if (c == 'N') {
      fail("is a character name (\\N{...})");
    } else {
      result_ += '\\';  // an unknown escape stands for itself
    }
  }

  std::string_view body_;
  std::size_t position_;
  std::size_t at_ = 0;
  std::string result_;
};

}  // namespace

std::string unescape(std::string_view body, std::size_t position) {
  return Unescaper(body, position).run();
}

}  // namespace caravan::data::jinja
