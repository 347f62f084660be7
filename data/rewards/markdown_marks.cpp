#include "data/rewards/markdown_marks.h"

#include "data/chat/jinja_unicode.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// Pairs of an opening and a closing mark on one line, without overlap. A line without closing mark is walked
// once.
std::size_t count_pairs(std::string_view text, char open, char close) {
  std::size_t count = 0;
  for (const std::string_view line : split_at(text, "\n")) {
    std::size_t at = 0;
    while (true) {
      const std::size_t begin = line.find(open, at);
      const std::size_t end = begin == kNone ? kNone : line.find(close, begin + 1);
      if (end == kNone) break;
      ++count;
      at = end + 1;
    }
  }
  return count;
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    std::size_t next = at;
    const char32_t c = jinja::next_char(text, next);
    if (!jinja::is_space(c)) return at;
    at = next;
  }
  return at;
}

std::size_t count_single_highlights(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find('*'); at != kNone;) {
    const std::size_t end = text.find_first_of("*\n", at + 1);
    if (end == kNone) break;
    if (text[end] == '\n') {
      at = text.find('*', end);
      continue;
    }
    if (!trim(text.substr(at + 1, end - at - 1)).empty()) ++count;
    at = text.find('*', end + 1);
  }
  return count;
}

std::size_t count_double_highlights(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find("**"); at != kNone;) {
    const std::size_t end = text.find_first_of("*\n", at + 2);
    if (end == kNone) break;
    if (text.substr(end, 2) != "**") {
      at = text.find("**", end == at + 2 ? at + 1 : end);
      continue;
    }
    if (!trim(text.substr(at + 2, end - at - 2)).empty()) ++count;
    at = text.find("**", end + 2);
  }
  return count;
}

}  // namespace

std::size_t count_brackets(std::string_view text) {
  return count_pairs(text, '[', ']');
}

std::size_t count_star_pairs(std::string_view text) {
  return count_pairs(text, '*', '*');
}

std::size_t count_bullets(std::string_view text, char mark) {
  std::size_t count = 0, at = 0;  // a line's first byte
  while (at < text.size()) {
    const std::size_t first = skip_spaces(text, at);
    if (first >= text.size()) break;
    std::size_t end = first;
    bool bullet = text[first] == mark;
    if (bullet && mark == '*') {
      bullet = first + 1 < text.size() && text[first + 1] != '*';
      // Whatever follows the star belongs to the bullet, a line end too.
      end = first + 2;
    }
    if (bullet) ++count;
    if (!bullet) end = first;
    const std::size_t line_end = end <= text.size() ? text.find('\n', end) : kNone;
    if (line_end == kNone) break;
    at = line_end + 1;
  }
  return count;
}

std::size_t count_highlights(std::string_view text) {
  return count_single_highlights(text) + count_double_highlights(text);
}

bool is_one_case(std::string_view text, bool upper) {
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = jinja::next_char(text, at);
    if (upper ? jinja::is_lower(c) : jinja::is_upper(c)) return false;
    any = any || (upper ? jinja::is_upper(c) : jinja::is_lower(c));
  }
  return any;
}

}  // namespace caravan::data
