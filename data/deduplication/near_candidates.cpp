#include "data/deduplication/near_candidates.h"

#include <algorithm>
#include <bit>

#include "data/walk/ordered_run.h"

namespace caravan::data {

void NearCandidates::add(std::uint32_t row, std::span<const std::uint64_t> keys, const MinHashBits& bits) {
  rows_.push_back(row);
  bits_.push_back(bits);
  keys_.insert(keys_.end(), keys.begin(), keys.end());
}

// Most keys are met once. A bit for each place of a hash says whether one was there before; what meets no
// other there needs no sorting.
std::vector<NearCandidates::Entry> NearCandidates::repeated_keys(std::size_t band) const {
  const std::size_t num_words = std::bit_ceil(rows_.size() / 8 + 1);
  std::vector<std::uint64_t> once(num_words, 0), again(num_words, 0);
  const auto place_of_key = [&](std::uint64_t key) { return key >> 6 & (num_words - 1); };
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const std::uint64_t key = keys_[i * num_bands_ + band], bit = std::uint64_t{1} << (key & 63);
    again[place_of_key(key)] |= once[place_of_key(key)] & bit;
    once[place_of_key(key)] |= bit;
  }
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const std::uint64_t key = keys_[i * num_bands_ + band];
    if ((again[place_of_key(key)] >> (key & 63) & 1) != 0)
      entries.push_back({key, static_cast<std::uint32_t>(i)});
  }
  return entries;
}

// Places in rows_ of the rows that share a key of this band, by their first row.
std::vector<NearCandidates::Group> NearCandidates::find_in_band(std::size_t band) const {
  std::vector<Entry> entries = repeated_keys(band);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.key != b.key ? a.key < b.key : a.place < b.place;
  });
  std::vector<Group> found;
  for (std::size_t i = 0; i < entries.size();) {
    std::size_t end = i + 1;
    while (end < entries.size() && entries[end].key == entries[i].key) ++end;
    if (end - i > 1) {
      auto& group = found.emplace_back();
      for (std::size_t k = i; k < end; ++k) group.push_back(entries[k].place);
      drop_strangers(group);
      if (group.size() < 2) found.pop_back();
    }
    i = end;
  }
  std::sort(found.begin(), found.end());
  return found;
}

void NearCandidates::find(std::size_t num_threads) {
  std::vector<std::vector<Group>> by_band(num_bands_);
  std::size_t next = 0;
  run_ordered<std::size_t>(
      std::min(num_threads, num_bands_),
      {.next = [&](std::size_t& band) { return next < num_bands_ && (band = next++, true); },
       .work = [&](std::size_t& band) { by_band[band] = find_in_band(band); },
       .take = [](std::size_t&) {}});
  keys_ = {};
  first_group_.assign(rows_.size() + 1, 0);
  for (const auto& groups : by_band) {
    for (const auto& group : groups) {
      for (const std::uint32_t place : group) ++first_group_[place + 1];
    }
  }
  for (std::size_t i = 1; i < first_group_.size(); ++i) first_group_[i] += first_group_[i - 1];
  groups_.resize(first_group_.back());
  std::vector<std::uint64_t> at(first_group_.begin(), first_group_.end() - 1);
  for (const auto& groups : by_band) {
    for (const auto& group : groups) {
      for (const std::uint32_t place : group)
        groups_[at[place]++] = static_cast<std::uint32_t>(group_size_.size());
      group_size_.push_back(static_cast<std::uint32_t>(group.size()));
    }
  }
}

// Leaves out rows that are near no other one. A large group is left as it is: looking at all its pairs would
// cost more than it saves.
void NearCandidates::drop_strangers(Group& group) const {
  constexpr std::size_t kMaxRows = 64;
  if (group.size() > kMaxRows) return;
  std::uint64_t near = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if ((near >> i & near >> k & 1) != 0) continue;
      if (min_hash_.may_reach(bits_[group[i]], bits_[group[k]]))
        near |= std::uint64_t{1} << i | std::uint64_t{1} << k;
    }
  }
  std::size_t left = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if ((near >> i & 1) != 0) group[left++] = group[i];
  }
  group.resize(left);
}

std::size_t NearCandidates::place_of(std::uint32_t row) const {
  const auto found = std::lower_bound(rows_.begin(), rows_.end(), row);
  return found != rows_.end() && *found == row ? static_cast<std::size_t>(found - rows_.begin())
                                               : rows_.size();
}

std::span<const std::uint32_t> NearCandidates::groups_of(std::uint32_t row) const {
  const std::size_t place = place_of(row);
  if (place == rows_.size()) return {};
  return std::span(groups_).subspan(first_group_[place], first_group_[place + 1] - first_group_[place]);
}

}  // namespace caravan::data
