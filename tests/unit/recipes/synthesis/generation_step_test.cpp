#include "recipes/synthesis/generation_step.h"

#include <gtest/gtest.h>

#include "tests/support/json_file.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Json;

class GenerationStep : public testing::Test {
 protected:
  DataFlags flags() const {
    DataFlags flags("test", "");
    flags.inputs = {(dir_ / "in.jsonl").string()};
    flags.out = (dir_ / "out.jsonl").string();
    flags.report = (dir_ / "report").string();
    flags.quiet = true;
    return flags;
  }
  const tests::TempDir dir_;
};

TEST_F(GenerationStep, ABlockOfSmallRowsIsWorkedOnInStretches) {
  const int count = 3 * static_cast<int>(kMaxStepRows) + 7;
  std::string rows;
  for (int i = 0; i < count; ++i)
    rows += i % 1000 == 999 ? "broken\n" : "{\"n\":" + std::to_string(i) + "}\n";
  dir_.write("in.jsonl", rows);
  std::size_t most = 0;
  run_generation_step(flags(), {}, [&](std::vector<StepRow>& block) {
    most = std::max(most, block.size());
    std::vector<StepResult> results;
    for (StepRow& row : block) {
      const auto n = row.row["n"].get<int>();
      if (n % 2 == 1)
        results.push_back({.reasons = {"odd"}});
      else if (n % 4 == 0)
        results.push_back({.keep = true});
      else
        results.push_back({.made = {{{"n", n}}, {{"n", n}}}});
    }
    return results;
  });
  EXPECT_EQ(most, kMaxStepRows);
  std::vector<int> expected, found;
  for (int i = 0; i < count; i += 2)
    for (int line = i % 4 == 0 ? 1 : 0; line < 2; ++line) expected.push_back(i);
  for (const Json& row : tests::read_json_lines(dir_ / "out.jsonl")) found.push_back(row["n"].get<int>());
  EXPECT_EQ(found, expected);
  const Json totals = tests::read_json(dir_ / "report/report.json")["totals"];
  EXPECT_EQ(totals["rows"], count);
  EXPECT_EQ(totals["written"], expected.size());
  EXPECT_EQ(totals["dropped"], count / 2);  // the odd ones, of which some are broken
}

TEST_F(GenerationStep, RowsThatPassKeepTheirBytes) {
  dir_.write("in.jsonl",
             "{\"a\": 1e999}\n{\"a\":2, \"conversations\":[{\"from\":\"human\",\"value\":\"q\"}]}\n");
  run_generation_step(
      flags(), {},
      [&](std::vector<StepRow>& block) {
        EXPECT_EQ(block.size(), 1u);
        EXPECT_EQ(block[0].messages.at(0).content, "q");
        EXPECT_EQ(block[0].number, 1u);
        return std::vector<StepResult>{{.made = {{{"a", 3}}}}};
      },
      {}, [] { return [](const data::JsonValue& row) { return !row.find("conversations"); }; });
  EXPECT_EQ(tests::read_bytes(dir_ / "out.jsonl"), "{\"a\": 1e999}\n{\"a\":3}\n");
}

}  // namespace
}  // namespace caravan::recipes
