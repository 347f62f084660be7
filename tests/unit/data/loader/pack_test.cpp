#include "data/loader/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace caravan::data {
namespace {

TEST(Pack, LongestFirstIntoTheTightestRoom) {
  const std::vector<std::uint32_t> lengths{2, 5, 4, 7, 1, 3, 8};
  // 8 | 7+3 | 5+4+1 ... by hand for capacity 10: 8, then 7, 5, 4 joins 5, 3 joins 7, 2 joins 8, 1 joins 5+4.
  EXPECT_EQ(pack_best_fit(lengths, 10), (std::vector<std::vector<std::uint32_t>>{{0, 6}, {1, 2, 4}, {3, 5}}));
}

TEST(Pack, EveryPlaceOnceAndNoneTooFull) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint32_t> lengths(1 + random() % 300);
    for (std::uint32_t& length : lengths) length = static_cast<std::uint32_t>(1 + random() % 100);
    const auto groups = pack_best_fit(lengths, 100);
    std::vector<std::uint32_t> seen;
    for (const auto& group : groups) {
      std::uint64_t sum = 0;
      for (const std::uint32_t place : group) sum += lengths[place];
      EXPECT_LE(sum, 100u);
      EXPECT_TRUE(std::is_sorted(group.begin(), group.end()));
      seen.insert(seen.end(), group.begin(), group.end());
    }
    std::sort(seen.begin(), seen.end());
    std::vector<std::uint32_t> all(lengths.size());
    std::iota(all.begin(), all.end(), 0u);
    ASSERT_EQ(seen, all);
    const std::uint64_t total = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
    // Best fit never leaves two groups that would fit into one.
    EXPECT_LE(groups.size(), 2 * ((total + 99) / 100));
  }
}

TEST(Pack, RefusesWhatCannotFit) {
  EXPECT_THROW(pack_best_fit(std::vector<std::uint32_t>{11}, 10), std::invalid_argument);
  EXPECT_THROW(pack_best_fit(std::vector<std::uint32_t>{0}, 10), std::invalid_argument);
  EXPECT_TRUE(pack_best_fit({}, 10).empty());
}

}  // namespace
}  // namespace caravan::data
