#include "data/chat/nearest_name.h"

#include <algorithm>
#include <vector>

namespace caravan::data {

namespace {

// Edit distance where a swap of neighbours counts once (optimal string alignment).
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

constexpr std::size_t kLongestName = 64;

}  // namespace

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  std::string best;
  std::size_t best_edits = std::max<std::size_t>(1, name.size() / 3) + 1;
  if (name.size() > kLongestName) return best;
  for (const std::string& candidate : known) {
    std::size_t distance = edits(name, candidate);
    if (distance < best_edits) {
      best = candidate;
      best_edits = distance;
    }
  }
  return best;
}

std::string nearest_name_advice(std::string_view name, std::span<const std::string> known) {
  std::string nearest = nearest_name(name, known);
  std::string advice = nearest.empty() ? "known are " : "did you mean '" + nearest + "'? known are ";
  for (std::size_t i = 0; i < known.size(); ++i) advice += (i == 0 ? "" : ", ") + known[i];
  return advice;
}

}  // namespace caravan::data
