#include "data/synthesis/made_text.h"

#include <array>

#include "data/error.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxPromptBytes = std::size_t{64} << 10, kMaxAnswerBytes = std::size_t{1} << 20;

constexpr std::array<std::string_view, 8> kLabels = {"math problem", "new question", "new task", "problem",
                                                     "question",     "request",      "prompt",   "task"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool starts_with_word(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (lower(text[i]) != word[i]) return false;
  return true;
}

// "**Problem:** ..." and "Problem: ..." to "...".
std::string_view without_label(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty() && (rest.front() == '*' || rest.front() == '#' || rest.front() == ' '))
    rest.remove_prefix(1);
  for (const std::string_view label : kLabels) {
    if (!starts_with_word(rest, label)) continue;
    std::string_view behind = rest.substr(label.size());
    while (!behind.empty() && behind.front() == '*') behind.remove_prefix(1);
    if (behind.empty() || behind.front() != ':') return text;
    behind.remove_prefix(1);
    while (!behind.empty() && behind.front() == '*') behind.remove_prefix(1);
    return without_space(behind);
  }
  return text;
}

std::string problem_of(const Generation& generation, std::string_view text, std::size_t max_bytes) {
  if (!generation.problem.empty()) return "failed:" + generation.problem;
  if (generation.cut) return "cut";
  if (text.empty()) return "empty";
  if (text.size() > max_bytes) return "too_long";
  try {
    require_valid_utf8(text);
  } catch (const Error&) {
    return "not_utf8";
  }
  return {};
}

}  // namespace

std::string_view without_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

MadeText made_prompt(const Generation& generation, std::string_view before) {
  const std::string_view text = without_label(without_space(generation.text));
  std::string reason = problem_of(generation, text, kMaxPromptBytes);
  if (reason.empty() && text == without_space(before)) reason = "unchanged";
  if (!reason.empty()) return {.reason = std::move(reason)};
  return {.text = std::string(text)};
}

MadeText made_answer(const Generation& generation) {
  const std::string_view text = without_space(generation.text);
  std::string reason = problem_of(generation, text, kMaxAnswerBytes);
  if (!reason.empty()) return {.reason = std::move(reason)};
  return {.text = std::string(text)};
}

}  // namespace caravan::data
