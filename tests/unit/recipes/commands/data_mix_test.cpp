#include "recipes/commands/data_mix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "data/error.h"
#include "data/mixing/open_instruct_mixer.h"
#include "tests/support/json_file.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

std::string rows(const std::string& word, int count, bool own_id = true) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::string content = word + " " + std::to_string(i);
    text += own_id ? "{\"id\":\"" + word + "-" + std::to_string(i) + "\",\"source\":\"" + word + "\"," : "{";
    text += "\"messages\":[{\"role\":\"user\",\"content\":\"" + content + "\"}]}\n";
  }
  return text;
}

class DataMix : public testing::Test {
 protected:
  void SetUp() override {
    a_ = dir_.write("a.jsonl", rows("a", 100));
    b_ = dir_.write("b.jsonl", "not json\n\n" + rows("b", 50, false));
    out_ = (dir_ / "out.jsonl").string();
    report_ = (dir_ / "report").string();
  }
  int mix(std::vector<std::string> args) {
    args.insert(args.end(), {"--out", out_, "--report", report_, "--quiet", "--force"});
    return run_data_mix(args);
  }
  std::vector<std::string> lines() const {
    std::istringstream text(tests::read_bytes(out_));
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }

  const tests::TempDir dir_;
  std::string a_, b_, out_, report_;
};

TEST_F(DataMix, CountsAreExactAndEveryRowHasAFate) {
  EXPECT_EQ(mix({"--source", "a=" + a_, "--source", "b=" + b_, "--take", "a=30 rows", "--weight", "b=1.5"}),
            0);
  const std::vector<std::string> all = lines();
  ASSERT_EQ(all.size(), 30u + 75u);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 30u + 50u);
  const Json report = tests::read_json(report_ + "/report.json");
  EXPECT_EQ(report["mix"][0]["written"], 30);
  EXPECT_EQ(report["mix"][1]["written"], 75);
  EXPECT_EQ(report["totals"]["rows"], 152);
  EXPECT_EQ(report["totals"]["written"], 105);
  EXPECT_EQ(report["totals"]["ignored"], 1);
  // Each row of the ledger names the lines that hold it.
  std::size_t named = 0;
  for (const Json& fate : tests::read_json_lines(report_ + "/fates.jsonl")) {
    for (const Json& row : fate["rows"]) {
      const Json line = Json::parse(all.at(row["line"].get<std::size_t>() - 1));
      EXPECT_EQ(line["id"], row["id"]);
      ++named;
    }
  }
  EXPECT_EQ(named, all.size());
}

TEST_F(DataMix, IdAndSourceAreKeptOrAdded) {
  EXPECT_EQ(mix({"--source", "first=" + a_, "--source", "second=" + b_}), 0);
  const std::vector<std::string> all = lines();
  EXPECT_EQ(all[0],
            "{\"id\":\"a-0\",\"source\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"a 0\"}]}");
  EXPECT_EQ(
      all[100],
      "{\"id\":\"second_0\",\"source\":\"second\",\"messages\":[{\"role\":\"user\",\"content\":\"b 0\"}]}");
}

TEST_F(DataMix, ASourceThatIsAddedLeavesTheOthersLines) {
  EXPECT_EQ(mix({"--source", "a=" + a_, "--take", "a=20 %"}), 0);
  const std::vector<std::string> alone = lines();
  EXPECT_EQ(mix({"--source", "b=" + b_, "--source", "a=" + a_, "--take", "a=20 %", "--threads", "3"}), 0);
  std::vector<std::string> both = lines();
  ASSERT_EQ(both.size(), 70u);
  both.erase(both.begin(), both.begin() + 50);
  EXPECT_EQ(both, alone);
}

TEST_F(DataMix, TheReferencesSemanticsGiveItsRowsInItsOrder) {
  EXPECT_EQ(mix({"--source", "a=" + a_, "--semantics", "open_instruct", "--amount", "a=133"}), 0);
  std::vector<std::string> expected;
  for (const std::uint32_t row : data::mixer_rows(100, 133, 42))
    expected.push_back("a-" + std::to_string(row));
  std::vector<std::string> found;
  for (const std::string& line : lines()) found.push_back(Json::parse(line)["id"]);
  EXPECT_EQ(found, expected);
}

TEST_F(DataMix, APlanWritesNothing) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(mix({"--source", "a=" + a_, "--take", "a=7 rows", "--plan"}), 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("7 rows"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_FALSE(std::filesystem::exists(report_));
}

TEST_F(DataMix, MistakesAreToldAndLeaveNothing) {
  const auto failure = [this](const std::vector<std::string>& args) {
    try {
      mix(args);
    } catch (const Error& error) {
      EXPECT_FALSE(std::filesystem::exists(out_));
      return std::to_string(error.exit_code()) + " " + error.what();
    }
    return std::string("no error");
  };
  EXPECT_TRUE(failure({"--source", a_}).starts_with("2 data mix: --source: found"));
  EXPECT_TRUE(failure({a_}).starts_with("2 data mix: found " + a_));
  EXPECT_TRUE(failure({"--source", "a=" + a_, "--take", "a=50"}).starts_with("2 data mix: --take a: "));
  EXPECT_TRUE(
      failure({"--source", "a=" + a_, "--take", "x=5 %"}).starts_with("2 data mix: --take: no --source"));
  EXPECT_TRUE(failure({"--source", "a=" + a_, "--take", "a=101 rows"}).starts_with("65 mix: source a: take"));
  EXPECT_TRUE(failure({"--source", "a=" + a_, "--source", "b=" + a_}).find("twice") != std::string::npos);
}

TEST_F(DataMix, ShuffledHoldsTheSameLines) {
  EXPECT_EQ(mix({"--source", "a=" + a_, "--source", "b=" + b_}), 0);
  std::vector<std::string> plain = lines();
  EXPECT_EQ(mix({"--source", "a=" + a_, "--source", "b=" + b_, "--order", "shuffled"}), 0);
  std::vector<std::string> shuffled = lines();
  EXPECT_NE(plain, shuffled);
  std::sort(plain.begin(), plain.end());
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(plain, shuffled);
}

}  // namespace
}  // namespace caravan::recipes
