#include "data/deduplication/near_clusters.h"

#include <algorithm>
#include <numeric>

#include "data/deduplication/shingles.h"

namespace caravan::data {

NearClusters::NearClusters(const NearCandidates& candidates, std::uint32_t num_rows, double threshold,
                           Linkage linkage, std::uint32_t max_looks)
    : candidates_(candidates),
      threshold_(threshold),
      linkage_(linkage),
      max_looks_(max_looks),
      parent_(num_rows),
      compared_with_(num_rows, 0),
      uses_(num_rows, 0),
      shingles_(num_rows),
      groups_(candidates.num_groups()) {
  std::iota(parent_.begin(), parent_.end(), 0u);
}

std::uint32_t NearClusters::leader(std::uint32_t row) {
  while (parent_[row] != row) row = parent_[row] = parent_[parent_[row]];
  return row;
}

// The first row leads: parents are always smaller.
void NearClusters::link(std::uint32_t a, std::uint32_t b) {
  a = leader(a);
  b = leader(b);
  parent_[std::max(a, b)] = std::min(a, b);
}

// The first member that is like `row`, if any.
std::optional<NearLink> NearClusters::compare(std::uint32_t row, const Members& members) {
  for (const std::uint32_t other : members) {
    if (!may_look()) return std::nullopt;
    if (compared_with_[other] == row + 1) continue;
    if (!candidates_.may_reach(row, other)) continue;
    if (comparisons_of_row_ == kMaxComparisons) return std::nullopt;
    compared_with_[other] = row + 1;
    ++comparisons_of_row_;
    const auto likeness = jaccard_from(shingles_[row], shingles_[other], threshold_);
    if (likeness) return NearLink{row, other, *likeness};
  }
  return std::nullopt;
}

bool NearClusters::join_clusters(std::uint32_t row, Group& group) {
  for (const Members& members : group.clusters) {
    if (!may_look()) break;
    if (leader(members.front()) == leader(row)) continue;
    if (const auto found = compare(row, members)) {
      link(row, found->like);
      links_.push_back(*found);
    }
  }
  return true;
}

bool NearClusters::find_kept(std::uint32_t row, const Group& group) {
  for (const Members& members : group.clusters) {
    if (const auto found = compare(row, members)) {
      parent_[row] = found->like;
      links_.push_back(*found);
      return false;
    }
  }
  return true;
}

// What became one cluster since the last row is put together, the smaller lists into the larger.
void NearClusters::enter(std::uint32_t row, std::uint32_t group_index, bool kept) {
  Group& group = groups_[group_index];
  if (kept) {
    Members mine = {row};
    if (linkage_ == Linkage::kConnected) {
      // Who leads itself is linked to nobody yet; lists that stay apart only cost a look each.
      const bool may_join = leader(row) != row && group.clusters.size() <= max_looks_;
      if (may_join)
        std::erase_if(group.clusters, [&](Members& members) {
          if (leader(members.front()) != leader(row)) return false;
          if (members.size() > mine.size()) members.swap(mine);
          mine.insert(mine.end(), members.begin(), members.end());
          return true;
        });
    } else if (!group.clusters.empty()) {
      mine.swap(group.clusters.front());
      mine.push_back(row);
      group.clusters.clear();
    }
    group.clusters.push_back(std::move(mine));
    ++uses_[row];
  }
  if (++group.seen < candidates_.group_size(group_index)) return;
  for (const Members& members : group.clusters) {
    for (const std::uint32_t member : members) release(member);
  }
  group.clusters = {};
}

void NearClusters::release(std::uint32_t row) {
  if (--uses_[row] == 0) shingles_[row] = {};
}

void NearClusters::add(std::uint32_t row, std::vector<std::uint64_t> shingles) {
  shingles_[row] = std::move(shingles);
  comparisons_of_row_ = looks_of_row_ = 0;
  bool kept = true;
  const auto groups = candidates_.groups_of(row);
  for (const std::uint32_t group : groups) {
    kept =
        linkage_ == Linkage::kConnected ? join_clusters(row, groups_[group]) : find_kept(row, groups_[group]);
    if (!kept) break;
  }
  num_comparisons_ += comparisons_of_row_;
  num_rows_cut_short_ += comparisons_of_row_ == kMaxComparisons || looks_of_row_ > max_looks_;
  ++uses_[row];  // so that the last group does not release it before the next one asks
  for (const std::uint32_t group : groups) enter(row, group, kept);
  release(row);
}

}  // namespace caravan::data
