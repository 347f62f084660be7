#include "data/preferences/pair_rules.h"

#include <gtest/gtest.h>

#include <map>

namespace caravan::data {
namespace {

using Pair = PairChoice::Pair;

// How often each rejected answer was drawn over many seeds.
std::map<std::size_t, int> rejected_over_seeds(const std::vector<double>& scores, PairRule rule,
                                               std::size_t best) {
  std::map<std::size_t, int> times;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const PairChoice choice = choose_pairs(scores, rule, 0, seed);
    EXPECT_EQ(choice.pairs.at(0).chosen, best);
    ++times[choice.pairs[0].rejected];
  }
  return times;
}

TEST(PairRules, TheBestStandsAgainstADrawnLowerOne) {
  auto times = rejected_over_seeds({2, 5, 3, 1}, PairRule::kBestRandomLower, 1);
  for (const std::size_t other : {0, 2, 3}) EXPECT_NEAR(times[other], 1000, 120) << other;
  times = rejected_over_seeds({2, 5, 3, 1}, PairRule::kBestWorst, 1);
  EXPECT_EQ(times[3], 3000);
}

TEST(PairRules, OfEqualsTheSeedDecides) {
  std::map<std::size_t, int> chosen;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const PairChoice choice = choose_pairs({5, 1, 5}, PairRule::kBestRandomLower, 0, seed);
    EXPECT_EQ(choice.pairs.at(0).rejected, 1u);
    ++chosen[choice.pairs[0].chosen];
  }
  EXPECT_NEAR(chosen[0], 1500, 150);
  EXPECT_EQ(choose_pairs({5, 1, 5}, PairRule::kMargin, 0, 7).pairs,
            choose_pairs({5, 1, 5}, PairRule::kMargin, 0, 7).pairs);
}

TEST(PairRules, AnyOfThePairsMayComeFirst) {
  std::map<std::size_t, int> first;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const std::vector<Pair> pairs = choose_pairs({1, 2, 3}, PairRule::kMargin, 0.5, seed).pairs;
    EXPECT_EQ(pairs.size(), 3u);
    ++first[10 * pairs.at(0).chosen + pairs[0].rejected];
  }
  for (const std::size_t pair : {10, 20, 21}) EXPECT_NEAR(first[pair], 1000, 120) << pair;
}

TEST(PairRules, TiesMakeNoPairButByTheReferencesRule) {
  for (const PairRule rule : {PairRule::kBestRandomLower, PairRule::kBestWorst, PairRule::kMargin})
    EXPECT_EQ(choose_pairs({3, 3, 3 + 1e-12}, rule, 0, 1).reason, "tie");
  EXPECT_EQ(choose_pairs({3, 3}, PairRule::kBestRandomOther, 0, 1).pairs.size(), 1u);
  EXPECT_EQ(choose_pairs({3}, PairRule::kBestWorst, 0, 1).reason, "too_few_responses");
  EXPECT_EQ(choose_pairs({}, PairRule::kBestWorst, 0, 1).reason, "too_few_responses");
}

TEST(PairRules, AMarginTakesAllThatAreFarEnoughApart) {
  const std::vector<Pair> pairs = choose_pairs({4.0, 2.5, 2.0}, PairRule::kMargin, 1.5, 3).pairs;
  EXPECT_EQ(pairs.size(), 2u);
  for (const Pair& pair : pairs) EXPECT_EQ(pair.chosen, 0u);
  EXPECT_EQ(choose_pairs({4.0, 3.5}, PairRule::kMargin, 1.5, 3).reason, "below_margin");
}

}  // namespace
}  // namespace caravan::data
