#include "data/preferences/ratings.h"

#include <algorithm>

#include "data/preferences/aspects.h"

namespace caravan::data {
namespace {

bool is_mark(char c) {
  return c == ' ' || c == '\t' || c == '*' || c == '#' || c == '-' || c == '_' || c == '`' || c == '>' ||
         c == ':' || c == '=' || c == '[' || c == '(' || c == '"' || c == '\r';
}

void skip_marks(std::string_view& text) {
  while (!text.empty() && is_mark(text.front())) text.remove_prefix(1);
}

bool take_word(std::string_view& text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i];
    if (c != word[i]) return false;
  }
  text.remove_prefix(word.size());
  return true;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// At most three digits, and nothing that makes another number of them (4.5, 4a). "4/5" is 4.
std::optional<int> take_number(std::string_view text) {
  skip_marks(text);
  int value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && digits < 4 && is_digit(text[digits]))
    value = 10 * value + (text[digits++] - '0');
  if (digits == 0 || digits > 3) return std::nullopt;
  text.remove_prefix(digits);
  const bool goes_on = text.size() >= 2 && (text[0] == '.' || text[0] == ',') && is_digit(text[1]);
  const bool is_word = !text.empty() && ((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z');
  if (goes_on || is_word) return std::nullopt;
  return value;
}

}  // namespace

Ratings parse_ratings(std::string_view text, std::size_t num_answers) {
  constexpr int kNone = -1;
  std::vector<int> values(num_answers, kNone);
  std::size_t next = 0, found = 0;
  bool named = false;  // a heading said whose the next rating is
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    skip_marks(line);
    if (take_word(line, "answer") || take_word(line, "response")) {
      if (const auto number = take_number(line)) {
        next = static_cast<std::size_t>(*number) - 1;
        named = true;
      }
      continue;
    }
    if (!take_word(line, "rating") && !take_word(line, "score")) continue;
    const auto value = take_number(line);
    if (!value || *value < kLowestRating || *value > kHighestRating) return {.problem = "out_of_range"};
    if (next >= num_answers || values[next] != kNone) return {.problem = named ? "wrong_answer" : "too_many"};
    values[next++] = *value;
    ++found;
    named = false;
  }
  if (found == 0) return {.problem = "no_ratings"};
  if (found < num_answers) return {.problem = "too_few"};
  return {.values = std::move(values)};
}

}  // namespace caravan::data
