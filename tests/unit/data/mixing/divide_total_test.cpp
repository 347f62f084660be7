#include "data/mixing/divide_total.h"

#include <gtest/gtest.h>

#include "data/message.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::data {
namespace {

TEST(DivideTotal, IsExactOnEveryPlanOfTheTable) {
  SKIP_WITHOUT_SHARED_DATA();
  std::size_t checked = 0;
  for (const Json& line :
       tests::read_json_lines(tests::shared_data() / "goldens/data/mixing/proportions.jsonl")) {
    std::vector<SharedPart> parts;
    for (const Json& part : line["parts"]) {
      const auto share = share_billionths(part["weight"].get<double>());
      ASSERT_TRUE(share);
      parts.push_back({.size = part["size"].get<std::uint64_t>(),
                       .share = *share,
                       .max_repeat = part["max_repeat"].get<std::uint64_t>()});
      if (part.contains("cap")) parts.back().cap = part["cap"].get<std::uint64_t>();
    }
    const Division division = divide_total(line["total"].get<std::uint64_t>(), parts);
    std::size_t i = 0;
    for (const auto& [name, rows] : line["rows"].items())
      EXPECT_EQ(division.rows[i++], rows.get<std::uint64_t>()) << name << " of " << line.dump();
    EXPECT_EQ(division.unfilled, line["unfilled"].get<std::uint64_t>());
    ++checked;
  }
  EXPECT_EQ(checked, 54u);
}

TEST(DivideTotal, DividesTheLargeMixtureByItsOwnCounts) {
  SKIP_WITHOUT_SHARED_DATA();
  const Json goldens = tests::read_json(tests::shared_data() / "goldens/data/mixing/tulu3_parts.json");
  std::vector<SharedPart> parts;
  for (const auto& [name, rows] : goldens["parts"].items()) {
    const auto share = share_billionths(rows.get<double>());
    ASSERT_TRUE(share) << name;
    parts.push_back({.size = rows.get<std::uint64_t>(), .share = *share});
  }
  const Division division = divide_total(goldens["sum"].get<std::uint64_t>(), parts);
  std::size_t i = 0;
  for (const auto& [name, rows] : goldens["parts"].items())
    EXPECT_EQ(division.rows[i++], rows.get<std::uint64_t>()) << name;
  EXPECT_EQ(division.unfilled, 0u);
}

TEST(DivideTotal, HugeFiguresDoNotOverflow) {
  const std::vector<SharedPart> parts{{.size = 1ull << 62, .share = *share_billionths(1e6)},
                                      {.size = 1ull << 62, .share = *share_billionths(1e6)}};
  const Division division = divide_total(1ull << 62, parts);
  EXPECT_EQ(division.rows[0], 1ull << 61);
  EXPECT_EQ(division.unfilled, 0u);
}

TEST(DivideTotal, SharesThatWouldBeRoundedAreRefused) {
  EXPECT_EQ(share_billionths(0.1), 100'000'000);
  EXPECT_FALSE(share_billionths(0.12345678901));
  EXPECT_FALSE(share_billionths(1.0 / 3.0));
  EXPECT_FALSE(share_billionths(-1.0));
  EXPECT_FALSE(share_billionths(2e6));
}

}  // namespace
}  // namespace caravan::data
