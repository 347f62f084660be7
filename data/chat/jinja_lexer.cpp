#include "data/chat/jinja_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/chat/jinja_string_literal.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

constexpr std::array<std::string_view, 6> kLongOperators = {"**", "//", "==", "!=", ">=", "<="};
constexpr std::string_view kShortOperators = "+-*/%~[](){}<>=.:|,;";

class Lexer {
 public:
  explicit Lexer(const Source& source) : text_(source.text()) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) read_text_and_tag();
    add(TokenKind::kEnd, {}, text_.size());
    return std::move(tokens_);
  }

 private:
  bool starts(std::size_t at, std::string_view what) const {
    return text_.compare(at, what.size(), what) == 0;
  }
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  void add(TokenKind kind, std::string text, std::size_t position) {
    tokens_.push_back({kind, std::move(text), position});
  }

  std::size_t next_tag(std::size_t from) const {
    for (std::size_t at = text_.find('{', from); at != std::string_view::npos; at = text_.find('{', at + 1)) {
      char c = peek(at + 1);
      if (c == '{' || c == '%' || c == '#') return at;
    }
    return text_.size();
  }

  // How much of the text before a tag is kept: "{%-" strips all white space, lstrip_blocks the indentation of
  // a tag that is the first thing on its line.
  std::string_view strip_before(std::string_view before, char sign, bool is_output) const {
    if (sign == '-') return rstrip(before);
    if (sign == '+' || is_output) return before;
    std::size_t newline = before.rfind('\n');
    std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (newline == std::string_view::npos && !line_starting_) return before;
    return all_space(before.substr(begin)) ? before.substr(0, begin) : before;
  }

  static std::string_view rstrip(std::string_view text) {
    std::size_t keep = 0;
    for (std::size_t at = 0; at < text.size();) {
      if (!is_space(next_char(text, at))) keep = at;
    }
    return text.substr(0, keep);
  }

  static bool all_space(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (!is_space(next_char(text, at))) return false;
    }
    return true;
  }

  std::size_t skip_space(std::size_t at) const {
    while (at < text_.size()) {
      std::size_t next = at;
      if (!is_space(next_char(text_, next))) break;
      at = next;
    }
    return at;
  }

  void add_text(std::string_view text, std::size_t position) {
    if (!text.empty()) add(TokenKind::kText, std::string(text), position);
  }

  void read_text_and_tag() {
    std::size_t begin = at_;
    std::size_t tag = next_tag(begin);
    std::string_view before = std::string_view(text_).substr(begin, tag - begin);
    if (tag == text_.size()) {
      add_text(before, begin);
      at_ = tag;
      return;
    }
    char type = text_[tag + 1];
    char sign = peek(tag + 2) == '-' || peek(tag + 2) == '+' ? text_[tag + 2] : '\0';
    add_text(strip_before(before, sign, type == '{'), begin);
    std::size_t inside = tag + 2 + (sign == '\0' ? 0 : 1);
    if (type == '#') {
      read_comment(tag, inside);
    } else if (std::size_t after = type == '%' ? after_raw(inside) : 0; after != 0) {
      read_raw(tag, after);
    } else {
      read_tag(type == '{', tag, inside);
    }
    line_starting_ = at_ > 0 && text_[at_ - 1] == '\n';
  }

  // Behind the closing delimiter at `end`: "-" swallows white space, trim_blocks one newline.
  std::size_t after_block(std::size_t end, bool stripped) const {
    if (stripped) return skip_space(end);
    return peek(end) == '\n' ? end + 1 : end;
  }

  void read_comment(std::size_t tag, std::size_t inside) {
    std::size_t close = text_.find("#}", inside);
    if (close == std::string::npos) {
      throw PlacedFault(tag, "the comment that begins here has no end", "close it with #}");
    }
    char sign = close > inside ? text_[close - 1] : '\0';
    at_ = sign == '+' ? close + 2 : after_block(close + 2, sign == '-');
  }

  // Position behind "raw %}" if that is the tag at `inside`, else 0. No newline is trimmed there.
  std::size_t after_raw(std::size_t inside) const {
    std::size_t at = skip_space(inside);
    if (!starts(at, "raw")) return 0;
    at = skip_space(at + 3);
    if (starts(at, "-%}")) return skip_space(at + 3);
    return starts(at, "%}") ? at + 2 : 0;
  }

  void read_raw(std::size_t tag, std::size_t begin) {
    for (std::size_t at = text_.find("{%", begin); at != std::string::npos; at = text_.find("{%", at + 2)) {
      char sign = peek(at + 2) == '-' || peek(at + 2) == '+' ? text_[at + 2] : '\0';
      std::size_t word = skip_space(at + 2 + (sign == '\0' ? 0 : 1));
      if (!starts(word, "endraw")) continue;
      std::size_t end = skip_space(word + 6);
      char closing = peek(end) == '-' || peek(end) == '+' ? text_[end] : '\0';
      if (closing != '\0') ++end;
      if (!starts(end, "%}")) continue;
      line_starting_ = begin > 0 && text_[begin - 1] == '\n';
      add_text(strip_before(std::string_view(text_).substr(begin, at - begin), sign, false), begin);
      at_ = closing == '+' ? end + 2 : after_block(end + 2, closing == '-');
      return;
    }
    throw PlacedFault(tag, "the raw block that begins here has no end", "close it with {% endraw %}");
  }

  // Moves behind the closing delimiter if it stands at `at_`. Inside brackets "}}" is two braces.
  bool close_tag(bool is_output) {
    std::string_view delimiter = is_output ? "}}" : "%}";
    char sign = peek(at_) == '-' || (peek(at_) == '+' && !is_output) ? text_[at_] : '\0';
    std::size_t end = at_ + (sign == '\0' ? 0 : 1);
    if (!starts(end, delimiter)) return false;
    add(is_output ? TokenKind::kOutputEnd : TokenKind::kBlockEnd, std::string(delimiter), at_);
    end += 2;
    if (is_output) {
      at_ = sign == '-' ? skip_space(end) : end;
    } else {
      at_ = sign == '+' ? end : after_block(end, sign == '-');
    }
    return true;
  }

  void read_tag(bool is_output, std::size_t tag, std::size_t inside) {
    add(is_output ? TokenKind::kOutputBegin : TokenKind::kBlockBegin, is_output ? "{{" : "{%", tag);
    at_ = inside;
    open_.clear();
    while (true) {
      at_ = skip_space(at_);
      if (at_ >= text_.size()) {
        throw PlacedFault(
            tag,
            is_output ? "the output tag that begins here has no end" : "the tag that begins here has no end",
            is_output ? "close it with }}" : "close it with %}");
      }
      if (open_.empty() && close_tag(is_output)) return;
      read_token();
    }
  }

  void read_token() {
    char c = text_[at_];
    std::size_t probe = at_;
    char32_t wide = next_char(text_, probe);
    if (c == '"' || c == '\'') {
      read_string(c);
    } else if (c >= '0' && c <= '9') {
      read_number();
    } else if (c == '_' || is_alpha(wide)) {
      read_name();
    } else {
      read_operator();
    }
  }

  void read_string(char quote) {
    std::size_t begin = at_;
    for (std::size_t at = begin + 1; at < text_.size(); ++at) {
      if (text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        add(TokenKind::kString, unescape(std::string_view(text_).substr(begin + 1, at - begin - 1), begin),
            begin);
        at_ = at + 1;
        return;
      }
    }
    throw PlacedFault(begin, "the text that begins here has no closing quote",
                      std::string("close it with ") + quote);
  }

  void read_name() {
    std::size_t begin = at_;
    while (at_ < text_.size()) {
      std::size_t next = at_;
      char32_t c = next_char(text_, next);
      if (c != U'_' && !is_alpha(c) && !is_digit(c)) break;
      at_ = next;
    }
    add(TokenKind::kName, text_.substr(begin, at_ - begin), begin);
  }

  template <typename Accept>
  std::size_t digits(std::size_t at, Accept accept) const {
    while (accept(peek(at)) || (peek(at) == '_' && accept(peek(at + 1)))) ++at;
    return at;
  }

  void add_number(TokenKind kind, std::size_t begin, std::size_t end) {
    std::string text = text_.substr(begin, end - begin);
    std::erase(text, '_');
    add(kind, std::move(text), begin);
    at_ = end;
  }

  void read_number() {
    auto decimal = [](char c) { return c >= '0' && c <= '9'; };
    auto hex = [&](char c) { return decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
    std::size_t begin = at_;
    char base = static_cast<char>(peek(begin + 1) | 0x20);
    if (text_[begin] == '0' && (base == 'x' || base == 'o' || base == 'b') && hex(peek(begin + 2))) {
      return add_number(TokenKind::kInteger, begin, digits(begin + 2, hex));
    }
    std::size_t end = digits(begin, decimal);
    // After a dot comes a key: in "rows.0.1" neither is a fraction.
    bool after_dot = begin > 0 && text_[begin - 1] == '.';
    bool is_float = false;
    if (!after_dot && peek(end) == '.' && decimal(peek(end + 1))) {
      end = digits(end + 1, decimal);
      is_float = true;
    }
    std::size_t exponent = end + (peek(end + 1) == '+' || peek(end + 1) == '-' ? 2 : 1);
    if (!after_dot && (peek(end) | 0x20) == 'e' && decimal(peek(exponent))) {
      end = digits(exponent, decimal);
      is_float = true;
    }
    add_number(is_float ? TokenKind::kFloat : TokenKind::kInteger, begin, end);
  }

  void read_operator() {
    std::string found;
    for (std::string_view candidate : kLongOperators) {
      if (starts(at_, candidate)) found = candidate;
    }
    if (found.empty() && kShortOperators.find(text_[at_]) != std::string_view::npos) found = text_[at_];
    if (found.empty()) {
      std::size_t end = at_;
      next_char(text_, end);
      throw PlacedFault(at_, "unexpected character '" + text_.substr(at_, end - at_) + "'",
                        "text belongs between quotes, or outside of the tag");
    }
    match_brackets(found);
    add(TokenKind::kOperator, found, at_);
    at_ += found.size();
  }

  void match_brackets(const std::string& found) {
    char c = found[0];
    if (c == '(' || c == '[' || c == '{') open_ += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c != ')' && c != ']' && c != '}') return;
    if (open_.empty())
      throw PlacedFault(at_, "unexpected '" + found + "'", "nothing is open here that it could close");
    if (open_.back() != c) {
      throw PlacedFault(at_, "unexpected '" + found + "', expected '" + std::string(1, open_.back()) + "'");
    }
    open_.pop_back();
  }

  const std::string& text_;
  std::size_t at_ = 0;
  bool line_starting_ = true;
  std::string open_;  // closing brackets still to come
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> read_tokens(const Source& source) {
  return Lexer(source).run();
}

}  // namespace caravan::data::jinja
