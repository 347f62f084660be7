#include "recipes/reader/problem.h"

#include <algorithm>
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

std::string joined(const std::vector<Problem>& problems) {
  std::string text;
  std::size_t count = 0;
  for (const Problem& problem : in_order(problems)) {
    if (++count > kShown) continue;
    if (count > 1) text += '\n';
    text += problem.where.text() + ": " + problem.text;
  }
  if (count > kShown) text += "\nand " + std::to_string(count - kShown) + " more";
  return text;
}

}  // namespace

RecipeError::RecipeError(std::vector<Problem> problems)
    : std::runtime_error(joined(problems)), problems_(in_order(std::move(problems))) {}

}  // namespace caravan::recipes
