#include "trainer/metrics/meter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "trainer/error.h"

namespace caravan::trainer {
namespace {

TEST(Meter, MeanDoesNotDependOnTheSplitIntoMicroBatches) {
  Meter whole;
  whole.add_mean("train/loss", 12.5 + 3.0, 40);
  Meter split;
  split.add_mean("train/loss", 12.5, 37);
  split.add_mean("train/loss", 3.0, 3);
  EXPECT_EQ(whole.finish().at(0).value, split.finish().at(0).value);
}

TEST(Meter, ReportsInOrderOfFirstUseAndStartsAnew) {
  Meter meter;
  meter.add_sum("train/tokens", 5);
  meter.add_mean("train/loss", 6, 3);
  meter.add_sum("train/tokens", 7);
  meter.add_maximum("memory/peak", 4);
  meter.add_maximum("memory/peak", 2);
  const auto values = meter.finish();
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0].name, "train/tokens");
  EXPECT_EQ(values[0].value, 12);
  EXPECT_EQ(values[1].value, 2);
  EXPECT_EQ(values[2].value, 4);
  EXPECT_TRUE(meter.finish().empty());
}

TEST(Meter, MaximumOfNegativeNumbersIsNotZero) {
  Meter meter;
  meter.add_maximum("a", -3);
  meter.add_maximum("a", -5);
  EXPECT_EQ(meter.finish().at(0).value, -3);
}

TEST(Meter, MeanOverNothingIsNotANumber) {
  Meter meter;
  meter.add_mean("train/loss", 0, 0);
  EXPECT_TRUE(std::isnan(meter.finish().at(0).value));
}

TEST(Meter, OneNameIsCombinedInOneWay) {
  Meter meter;
  meter.add_mean("a", 1, 1);
  EXPECT_THROW(meter.add_sum("a", 1), Error);
}

}  // namespace
}  // namespace caravan::trainer
