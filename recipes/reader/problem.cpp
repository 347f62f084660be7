#include "recipes/reader/problem.h"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace caravan::recipes {
namespace {

std::vector<Problem> in_order(std::vector<Problem> problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.where.on_command_line, a.where.line, a.where.column) <
           std::tie(b.where.on_command_line, b.where.line, b.where.column);
  });
  return problems;
}

// A file that is no recipe at all can have thousands.
constexpr std::size_t kShown = 50;

// On the command line the place itself begins with the key; "key: " before the text would say it twice.
std::string_view without_key(const Problem& problem) {
  const std::string_view text = problem.text;
  if (!problem.where.on_command_line) return text;
  constexpr std::string_view kBefore = "command line: ";
  std::string_view word = problem.where.origin;
  if (word.starts_with(kBefore)) word.remove_prefix(kBefore.size());
  const std::size_t colon = text.find(": ");
  if (colon == std::string_view::npos) return text;
  std::string key, written;
  for (const char c : text.substr(0, colon))
    if (c != ']') key += c == '[' ? '.' : c;
  for (const char c : word.substr(0, word.find('=')))
    if (c != ']') written += c == '[' ? '.' : c;
  return key == written ? text.substr(colon + 2) : text;
}

std::string joined(const std::vector<Problem>& problems) {
  std::string text;
  std::size_t count = 0;
  for (const Problem& problem : in_order(problems)) {
    if (++count > kShown) continue;
    if (count > 1) text += '\n';
    text += problem.where.text() + ": ";
    text += without_key(problem);
  }
  if (count > kShown) text += "\nand " + std::to_string(count - kShown) + " more";
  return text;
}

}  // namespace

RecipeError::RecipeError(std::vector<Problem> problems)
    : std::runtime_error(joined(problems)), problems_(in_order(std::move(problems))) {}

}  // namespace caravan::recipes
