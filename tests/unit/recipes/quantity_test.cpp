#include "data/quantity.h"

#include <gtest/gtest.h>

namespace caravan::data {
namespace {

TEST(Quantity, ShareIsRoundedDown) {
  EXPECT_EQ((Quantity{3.0, Unit::kPercent}).count_of(100), 3);
  EXPECT_EQ((Quantity{3.0, Unit::kPercent}).count_of(99), 2);
  EXPECT_EQ((Quantity{50.0, Unit::kPercent}).count_of(1), 0);
  EXPECT_EQ((Quantity{100.0, Unit::kPercent}).count_of(939'344), 939'344);
}

TEST(Quantity, BinaryFractionsDoNotLoseOne) {
  // 7 % of 100 is 7.000000000000001, 29 % of 100 is 28.999999999999996 when computed as 0.29 * 100.
  for (int percent = 0; percent <= 100; ++percent) {
    EXPECT_EQ((Quantity{static_cast<double>(percent), Unit::kPercent}).count_of(100), percent);
    EXPECT_EQ((Quantity{percent / 10.0, Unit::kPercent}).count_of(1000), percent);
  }
}

TEST(Quantity, CountStandsAsItIs) {
  EXPECT_EQ((Quantity{500.0, Unit::kRows}).count_of(10), 500);
  EXPECT_EQ((Quantity{12.0, Unit::kSteps}).count_of(1000), 12);
}

}  // namespace
}  // namespace caravan::data
