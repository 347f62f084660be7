// Figures over items against numbers worked out by hand and by numpy.
#include "trainer/evaluation/estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace caravan::trainer {
namespace {

std::vector<ItemValue> right_and_wrong(int right, int wrong) {
  std::vector<ItemValue> items(static_cast<std::size_t>(right), {1.0, 1.0});
  items.resize(static_cast<std::size_t>(right + wrong), {0.0, 1.0});
  return items;
}

TEST(Estimate, AMeanHasTheSampleDeviationOverTheRoot) {
  const auto items = right_and_wrong(30, 70);
  const Estimate found = estimate(items, Figure::kMean, 1);
  EXPECT_DOUBLE_EQ(found.value, 0.3);
  EXPECT_NEAR(found.standard_error, std::sqrt(0.3 * 0.7 / 99.0), 1e-12);
  // The interval of a share of 100: about two standard errors either way.
  EXPECT_NEAR(found.low, 0.3 - 1.96 * found.standard_error, 0.015);
  EXPECT_NEAR(found.high, 0.3 + 1.96 * found.standard_error, 0.015);
}

TEST(Estimate, TheSameSeedGivesTheSameBits) {
  const auto items = right_and_wrong(13, 29);
  const Estimate a = estimate(items, Figure::kMean, 7), b = estimate(items, Figure::kMean, 7),
                 c = estimate(items, Figure::kMean, 8);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_TRUE(a.low != c.low || a.high != c.high);
}

TEST(Estimate, AnswersToOneItemAreOneItem) {
  // Four answers to each of two items: as sure as two items, not as eight.
  const std::vector<ItemValue> items{{4.0, 4.0}, {1.0, 4.0}};
  const Estimate found = estimate(items, Figure::kMean, 1);
  EXPECT_DOUBLE_EQ(found.value, 0.625);
  EXPECT_NEAR(found.standard_error, std::sqrt((0.375 * 0.375 * 2) / 1.0) / std::sqrt(2.0), 1e-12);
}

TEST(Estimate, PerplexityIsOverWordsNotOverTexts) {
  const std::vector<ItemValue> texts{{-10.0, 5.0}, {-90.0, 15.0}};
  EXPECT_NEAR(estimate(texts, Figure::kPerplexity, 1).value, std::exp(5.0), 1e-9);
  EXPECT_NEAR(estimate(texts, Figure::kBits, 1).value, 5.0 / std::log(2.0), 1e-12);
  EXPECT_GT(estimate(texts, Figure::kPerplexity, 1).standard_error, 0.0);
}

TEST(Estimate, OneItemIsNotSureAndNotBroken) {
  const std::vector<ItemValue> one{{1.0, 1.0}};
  const Estimate found = estimate(one, Figure::kMean, 1);
  EXPECT_EQ(found.value, 1.0);
  EXPECT_EQ(found.standard_error, 0.0);
}

}  // namespace
}  // namespace caravan::trainer
