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
  // 32.3 % of 1000 is 322.99999999999994 in doubles, 64.1 % is 640.9999999999999.
  EXPECT_EQ((Quantity{32.3, Unit::kPercent}).count_of(1000), 323);
  EXPECT_EQ((Quantity{64.1, Unit::kPercent}).count_of(1000), 641);
  EXPECT_EQ((Quantity{16.15, Unit::kPercent}).count_of(2000), 323);
}

TEST(Quantity, CountStandsAsItIs) {
  EXPECT_EQ((Quantity{500.0, Unit::kRows}).count_of(10), 500);
  EXPECT_EQ((Quantity{12.0, Unit::kSteps}).count_of(1000), 12);
}

}  // namespace
}  // namespace caravan::data
