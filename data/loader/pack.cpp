#include "data/loader/pack.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>

namespace caravan::data {

std::vector<std::vector<std::uint32_t>> pack_best_fit(std::span<const std::uint32_t> lengths,
                                                      std::int64_t capacity) {
  std::vector<std::uint32_t> by_length(lengths.size());
  std::iota(by_length.begin(), by_length.end(), 0u);
  std::stable_sort(by_length.begin(), by_length.end(),
                   [lengths](std::uint32_t a, std::uint32_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<std::uint32_t>> groups;
  std::set<std::pair<std::int64_t, std::size_t>> room;  // (tokens left, group)
  for (const std::uint32_t place : by_length) {
    const std::int64_t length = lengths[place];
    if (length < 1 || length > capacity) {
      throw std::invalid_argument("pack_best_fit: length " + std::to_string(length) + ", capacity " +
                                  std::to_string(capacity));
    }
    const auto found = room.lower_bound({length, 0});
    std::size_t group = groups.size();
    std::int64_t left = capacity;
    if (found == room.end()) {
      groups.emplace_back();
    } else {
      std::tie(left, group) = *found;
      room.erase(found);
    }
    groups[group].push_back(place);
    if (left > length) room.emplace(left - length, group);
  }
  for (std::vector<std::uint32_t>& group : groups) std::sort(group.begin(), group.end());
  std::sort(groups.begin(), groups.end());
  return groups;
}

}  // namespace caravan::data
