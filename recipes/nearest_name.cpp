#include "recipes/nearest_name.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace caravan::recipes {
namespace {

constexpr std::size_t kLongestName = 64;

char folded(char c) {
  return c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Damerau-Levenshtein distance in the optimal string alignment form: three rows of the table are enough.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kLongestName + 1>;
  Row before{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped =
          i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

// The one name that begins with what was written; two letters begin too much.
std::optional<std::string_view> only_name_begun(std::string_view name,
                                                std::span<const std::string_view> known) {
  const std::size_t letters = name.size() - std::min(name.find_first_not_of('-'), name.size());
  if (letters < 3) return std::nullopt;
  std::optional<std::string_view> found;
  for (std::string_view candidate : known) {
    if (candidate.size() <= name.size() || !candidate.starts_with(name)) continue;
    if (found && *found != candidate) return std::nullopt;
    found = candidate;
  }
  return found;
}

}  // namespace

std::optional<std::string_view> nearest_name(std::string_view name, std::span<const std::string_view> known) {
  if (name.empty() || name.size() > kLongestName) return std::nullopt;
  if (const auto begun = only_name_begun(name, known)) return begun;
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (std::string_view candidate : known) {
    if (candidate.size() > kLongestName) continue;
    const std::size_t d = distance(name, candidate);
    // A short name with every letter replaced is another word, not a typo.
    if (d < best_distance && d < candidate.size()) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace caravan::recipes
