#include "data/deduplication/keep_policy.h"

#include <unordered_map>

namespace caravan::data {

Duplicates choose_kept(std::span<const std::uint32_t> leader, std::span<const double> worth) {
  const auto num_rows = static_cast<std::uint32_t>(leader.size());
  std::vector<std::uint32_t> best(num_rows, UINT32_MAX), size(num_rows, 0);
  for (std::uint32_t row = 0; row < num_rows; ++row) {
    std::uint32_t& kept = best[leader[row]];
    ++size[leader[row]];
    if (kept == UINT32_MAX || (!worth.empty() && worth[row] > worth[kept])) kept = row;
  }
  Duplicates result;
  result.kept_for.resize(num_rows);
  std::unordered_map<std::uint32_t, std::size_t> cluster_of;
  for (std::uint32_t row = 0; row < num_rows; ++row) {
    result.kept_for[row] = best[leader[row]];
    result.num_dropped += result.kept_for[row] != row;
    if (size[leader[row]] < 2) continue;
    const auto [found, is_new] = cluster_of.emplace(leader[row], result.clusters.size());
    if (is_new) result.clusters.emplace_back();
    result.clusters[found->second].push_back(row);
  }
  return result;
}

}  // namespace caravan::data
