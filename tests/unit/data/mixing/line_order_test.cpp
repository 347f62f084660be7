#include "data/mixing/line_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "data/loader/order.h"
#include "data/mixing/content_key.h"

namespace caravan::data {
namespace {

struct Source {
  std::string name;
  std::uint32_t size;
  std::uint64_t taken, written;
};

// Sources of rows whose keys depend on the name and the number.
LineOrder order_of(const std::vector<Source>& named, const MixOptions& options = {}, std::uint64_t seed = 1) {
  MixPlan plan;
  std::vector<SourceRows> sources;
  std::vector<std::uint64_t> keys;
  for (const Source& source : named) {
    plan.parts.push_back({source.name, "", source.size, source.taken, source.written});
    sources.emplace_back();
    for (std::uint32_t i = 0; i < source.size; ++i) {
      sources.back().push_back(static_cast<std::uint32_t>(keys.size()));
      keys.push_back(mix(static_cast<std::uint64_t>(source.name[0]), i));
    }
  }
  return {plan, sources, keys, options, seed};
}

std::vector<std::uint32_t> lines(const LineOrder& order, std::uint32_t first, std::uint32_t size) {
  std::vector<std::uint32_t> own;
  for (const std::uint32_t row : order.rows_of_lines()) {
    if (row >= first && row < first + size) own.push_back(row - first);
  }
  return own;
}

TEST(LineOrder, ASourceThatIsAddedLeavesTheOthersPicks) {
  for (const MixOrder shape : {MixOrder::kSources, MixOrder::kShuffled}) {
    const MixOptions options{.order = shape};
    const LineOrder alone = order_of({{"b", 500, 100, 250}}, options);
    const LineOrder both = order_of({{"a", 300, 50, 50}, {"b", 500, 100, 250}}, options);
    EXPECT_EQ(lines(alone, 0, 500), lines(both, 300, 500));
  }
}

TEST(LineOrder, TakingMoreOnlyAddsRows) {
  const std::vector<std::uint32_t> few = lines(order_of({{"a", 1000, 100, 100}}), 0, 1000);
  const std::vector<std::uint32_t> more = lines(order_of({{"a", 1000, 400, 400}}), 0, 1000);
  EXPECT_TRUE(std::includes(more.begin(), more.end(), few.begin(), few.end()));
  EXPECT_EQ(std::set<std::uint32_t>(more.begin(), more.end()).size(), 400u);
}

TEST(LineOrder, WeightWritesWholeCopiesAndAPart) {
  const LineOrder order = order_of({{"a", 10, 4, 10}});  // 2.5 times 4
  for (const std::uint32_t row : order.rows_of_lines()) {
    const std::size_t copies = order.lines_of(row).size();
    EXPECT_TRUE(copies == 2 || copies == 3);
  }
  const auto rows = order.rows_of_lines();
  EXPECT_TRUE(std::equal(rows.begin(), rows.begin() + 4, rows.begin() + 4));
}

TEST(LineOrder, LinesOfARowAreThoseThatHoldIt) {
  const LineOrder order = order_of({{"a", 40, 30, 75}, {"b", 20, 20, 20}}, {.order = MixOrder::kShuffled});
  std::size_t found = 0;
  for (std::uint32_t row = 0; row < 60; ++row) {
    for (const std::uint64_t line : order.lines_of(row)) {
      EXPECT_EQ(order.rows_of_lines()[line - 1], row);
      ++found;
    }
  }
  EXPECT_EQ(found, 95u);
}

TEST(LineOrder, RowsThatCannotBeReadAreNeverTaken) {
  MixPlan plan;
  plan.parts.push_back({"a", "", 3, 3, 3});
  const std::vector<SourceRows> sources{{1, 2, 4}};
  const LineOrder order(plan, sources, {0, 11, 12, 0, 13}, {}, 1);
  EXPECT_EQ(std::vector<std::uint32_t>(order.rows_of_lines().begin(), order.rows_of_lines().end()),
            (std::vector<std::uint32_t>{1, 2, 4}));
}

TEST(ContentKey, DependsOnContentAndNeitherOnIdNorSpaces) {
  const auto key = [](const char* text) {
    JsonRow row;
    std::string memory;
    EXPECT_EQ(row.parse(text), JsonRow::Status::kOk);
    return content_key(row.root(), memory);
  };
  const std::uint64_t plain = key(R"({"id":"1","messages":[{"role":"user","content":"A"}]})");
  EXPECT_EQ(plain, key(R"({ "messages" : [{"role":"user","content":"\u0041"}], "source":"x", "id": 7 })"));
  EXPECT_NE(plain, key(R"({"messages":[{"role":"user","content":"B"}]})"));
  EXPECT_NE(key(R"({"a":["bc"]})"), key(R"({"a":["b","c"]})"));
  EXPECT_NE(key(R"({"ab":"c"})"), key(R"({"a":"bc"})"));
  EXPECT_NE(key(R"({"a":"1"})"), key(R"({"a":1})"));
}

}  // namespace
}  // namespace caravan::data
