#include "data/mixing/mix_plan.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace caravan::data {
namespace {

MixPart part(const std::string& name, const MixAmount& amount = {}) {
  return {name, amount};
}

std::vector<std::uint64_t> written(const std::vector<MixPart>& parts, const std::vector<std::uint64_t>& sizes,
                                   const MixOptions& options = {}) {
  check_mix(parts, options);
  std::vector<std::uint64_t> rows;
  for (const PlannedPart& planned : plan_mix(parts, sizes, options).parts) rows.push_back(planned.written);
  return rows;
}

// The text of the error, with its exit code in front.
std::string failure(const std::vector<MixPart>& parts, const std::vector<std::uint64_t>& sizes,
                    const MixOptions& options = {}) {
  try {
    written(parts, sizes, options);
  } catch (const Error& error) {
    return std::to_string(error.exit_code()) + " " + error.what();
  }
  return "no error";
}

using Counts = std::vector<std::uint64_t>;

TEST(MixPlan, TakeWeightAndCapAreExact) {
  const Quantity half{50, Unit::kPercent}, two{2, Unit::kRows};
  EXPECT_EQ(
      written({part("a"), part("b", {.take = half}), part("c", {.take = two}), part("d", {.weight = 2.5}),
               part("e", {.take = two, .weight = 3.5}), part("f", {.cap = 3})},
              {7, 7, 7, 7, 7, 7}),
      (Counts{7, 3, 2, 17, 7, 3}));
  // Binary floats would lose a row of each.
  EXPECT_EQ(written({part("a", {.weight = 0.3})}, {10}), Counts{3});
  EXPECT_EQ(written({part("a", {.take = Quantity{32.3, Unit::kPercent}})}, {1000}), Counts{323});
}

TEST(MixPlan, ATotalIsDividedOrRefused) {
  const MixOptions options{.total = 10};
  const std::vector<MixPart> parts{part("a", {.share = 3}), part("b", {.share = 1})};
  EXPECT_EQ(written(parts, {100, 100}, options), (Counts{8, 2}));  // 7.5 and 2.5: a tie goes to the first
  EXPECT_EQ(written(parts, {4, 100}, options), (Counts{4, 6}));
  EXPECT_EQ(failure(parts, {4, 5}, options),
            "65 mix: total is 10 rows, and the sources give 9; lower it, or raise cap or max_repeat");
  EXPECT_EQ(written({part("a", {.share = 3, .max_repeat = 2}), part("b", {.share = 1})}, {4, 5}, options),
            (Counts{8, 2}));
}

TEST(MixPlan, WhatHasNoEffectIsRefused) {
  const MixOptions plain, total{.total = 5}, reference{.semantics = MixSemantics::kOpenInstruct};
  EXPECT_TRUE(
      failure({part("a", {.share = 1})}, {5}, plain).starts_with("2 mix: source a: share and max_repeat"));
  EXPECT_TRUE(failure({part("a")}, {5}, total).starts_with("2 mix: source a: has no share"));
  EXPECT_TRUE(failure({part("a", {.amount = "1.0"})}, {5}, plain).starts_with("2 mix: source a: amount has"));
  EXPECT_TRUE(
      failure({part("a", {.weight = 2, .amount = "1.0"})}, {5}, reference).starts_with("2 mix: source a"));
  EXPECT_TRUE(
      failure({part("a", {.amount = "50%"})}, {5}, reference).starts_with("2 mix: source a: amount: found"));
  EXPECT_TRUE(failure({part("a"), part("a")}, {5, 5}).starts_with("2 mix: source a: is named twice"));
}

TEST(MixPlan, MoreThanThereIsAndNothingAreRefused) {
  EXPECT_TRUE(failure({part("a", {.take = Quantity{9, Unit::kRows}})}, {8})
                  .starts_with("65 mix: source a: take: 9 rows, found 8 rows; lower take"));
  EXPECT_TRUE(
      failure({part("a", {.take = Quantity{5, Unit::kPercent}})}, {8}).starts_with("65 mix: source a: take"));
  EXPECT_TRUE(failure({part("a")}, {0}).starts_with("65 mix: source a: all of 0 rows is none"));
}

TEST(MixPlan, TheTableSaysWhatIsAskedAndWhatItIs) {
  const std::vector<MixPart> parts{part("chat", {.take = Quantity{50, Unit::kPercent}}),
                                   part("math", {.weight = 2})};
  const std::string table = mix_table(plan_mix(parts, Counts{10, 10}, {}));
  EXPECT_NE(table.find("50 %"), std::string::npos);
  EXPECT_NE(table.find("all, 2 times"), std::string::npos);
  EXPECT_NE(table.find("80.00 %"), std::string::npos) << table;
}

}  // namespace
}  // namespace caravan::data
