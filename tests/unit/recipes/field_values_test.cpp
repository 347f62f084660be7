#include "recipes/reader/field_values.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "trainer/optim/schedule_options.h"

namespace caravan::recipes {
namespace {

YamlNode scalar(const std::string& text) {
  return {.kind = YamlNode::Kind::kScalar, .text = text};
}

constexpr FieldSpec kSteps{.units = "steps", .min = 1};
constexpr FieldSpec kLength{.units = "tokens", .unit_required = true, .min = 2, .max = 100'000};
constexpr FieldSpec kTake{.units = "% rows", .min = 0, .min_excluded = true};

TEST(FieldValues, WholeNumbers) {
  std::int64_t value = 0;
  EXPECT_EQ(parse_value(scalar("128"), kSteps, value), "");
  EXPECT_EQ(value, 128);
  EXPECT_EQ(parse_value(scalar("1 step"), kSteps, value), "");
  EXPECT_EQ(value, 1);
  EXPECT_EQ(parse_value(scalar("3.0"), kSteps, value), "");  // how some tools write 3
  EXPECT_EQ(value, 3);
  EXPECT_EQ(parse_value(scalar("1e3"), kSteps, value), "");
  EXPECT_EQ(value, 1000);
  for (const char* wrong :
       {"0", "-5", "2.5", "ten", "", "0x10", "1_000", "5 tokens", "nan", "inf", "1e30", "5 5", "+3"}) {
    value = 77;
    EXPECT_EQ(parse_value(scalar(wrong), kSteps, value).substr(0, 6), "found ") << wrong;
    EXPECT_EQ(value, 77) << wrong;
  }
}

TEST(FieldValues, NumberWhoseUnitIsNeeded) {
  std::int64_t value = 0;
  EXPECT_EQ(parse_value(scalar("4096 tokens"), kLength, value), "");
  EXPECT_EQ(value, 4096);
  EXPECT_EQ(parse_value(scalar("4096tokens"), kLength, value), "");
  EXPECT_EQ(parse_value(scalar("4096"), kLength, value),
            "found 4096, a number without a unit; write \"4096 tokens\"");
}

TEST(FieldValues, Quantities) {
  data::Quantity value;
  EXPECT_EQ(parse_value(scalar("50 %"), kTake, value), "");
  EXPECT_EQ(value, (data::Quantity{50.0, data::Unit::kPercent}));
  EXPECT_EQ(parse_value(scalar("2.5%"), kTake, value), "");
  EXPECT_EQ(value, (data::Quantity{2.5, data::Unit::kPercent}));
  EXPECT_EQ(parse_value(scalar("500 rows"), kTake, value), "");
  EXPECT_EQ(value, (data::Quantity{500.0, data::Unit::kRows}));
  EXPECT_EQ(parse_value(scalar("50"), kTake, value),
            "found 50, a number without a unit; write \"50 %\" or \"50 rows\"");
  EXPECT_EQ(parse_value(scalar("0.5"), kTake, value), "found 0.5, a number without a unit; write \"50 %\"");
  for (const char* wrong :
       {"0 %", "101 %", "-1 rows", "2.5 rows", "50 tokens", "many", "% 50", "50 % rows"}) {
    EXPECT_EQ(parse_value(scalar(wrong), kTake, value).substr(0, 6), "found ") << wrong;
  }
}

TEST(FieldValues, Choices) {
  trainer::ScheduleName value{};
  EXPECT_EQ(parse_value(scalar("inverse_sqrt"), {}, value), "");
  EXPECT_EQ(value, trainer::ScheduleName::kInverseSqrt);
  EXPECT_EQ(parse_value(scalar("cosin"), {}, value),
            "found \"cosin\"; allowed: linear, cosine, cosine_with_min_lr, constant, wsd, inverse_sqrt; did "
            "you mean cosine?");
}

TEST(FieldValues, BooleansAreTwoWords) {
  bool value = true;
  EXPECT_EQ(parse_value(scalar("false"), {}, value), "");
  EXPECT_FALSE(value);
  for (const char* wrong : {"yes", "on", "True", "1", ""})
    EXPECT_NE(parse_value(scalar(wrong), {}, value), "") << wrong;
}

TEST(FieldValues, Recompute) {
  models::Recompute value;
  for (const auto& [text, every] :
       {std::pair{"none", 0}, {"all", 1}, {"every 2 layers", 2}, {"every  12  layers", 12}}) {
    EXPECT_EQ(parse_value(scalar(text), {}, value), "") << text;
    EXPECT_EQ(value.every, every) << text;
  }
  for (const char* wrong : {"every 0 layers", "every 2", "2", "every two layers", "every 2.5 layers"}) {
    EXPECT_NE(parse_value(scalar(wrong), {}, value), "") << wrong;
  }
}

TEST(FieldValues, SeedsUseAll64Bits) {
  std::uint64_t value = 0;
  EXPECT_EQ(parse_value(scalar("18446744073709551615"), {}, value), "");
  EXPECT_EQ(value, std::numeric_limits<std::uint64_t>::max());
  EXPECT_NE(parse_value(scalar("18446744073709551616"), {}, value), "");
  EXPECT_NE(parse_value(scalar("-1"), {}, value), "");
}

TEST(FieldValues, NumbersReadBackBitForBit) {
  for (double value : {5e-6, 0.1, 1.0 / 3.0, 1e-300, 123456789.123456789, 0.0}) {
    double read = -1.0;
    EXPECT_EQ(parse_value(scalar(value_text(value)), {}, read), "");
    EXPECT_EQ(read, value);
  }
}

TEST(FieldValues, TextIsQuotedSafely) {
  EXPECT_EQ(value_text(std::string("a \"b\" \\ c")), R"("a \"b\" \\ c")");
  EXPECT_EQ(value_text(std::string("a\nb\x01")), R"("a\x0Ab\x01")");
}

TEST(FieldValues, LongFindingsAreCut) {
  bool value = false;
  const std::string problem =
      parse_value(scalar(std::string(59, 'x') + "\xc3\xbc" + std::string(1000, 'y')), {}, value);
  EXPECT_EQ(problem, "found \"" + std::string(59, 'x') + "...\"; allowed: true, false");
}

}  // namespace
}  // namespace caravan::recipes
