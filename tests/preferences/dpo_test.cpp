// Stage dpo from end to end: cached = live, one rank = several, split = whole, stopped = never stopped, and
// the margins rise.
#include <algorithm>
#include <map>
#include <sstream>

#include "tests/preferences/pairs_fixture.h"

namespace caravan {
namespace {

class DpoTest : public PairsTest {
 protected:
  static void SetUpTestSuite() {
    PairsTest::SetUpTestSuite();
    ASSERT_EQ(train("whole"), 0) << log();
  }
};

TEST_F(DpoTest, BeginsAtTheReferenceAndLearns) {
  const auto all = rows("whole");
  ASSERT_EQ(all.size(), 15u);  // 12 steps; before the first, between, after the last
  // The policy is the reference: every margin is 0, to the bit.
  const auto& first = all.at(1);
  EXPECT_EQ(first.at("step"), 1);
  EXPECT_DOUBLE_EQ(first.at("train/loss"), std::log(2.0));
  EXPECT_EQ(first.at("train/rewards/margins"), 0.0);
  EXPECT_EQ(first.at("train/rewards/accuracies"), 0.0);
  EXPECT_GT(all.at(12).at("train/rewards/margins"), 0.5);
  EXPECT_GT(all.back().at("eval/rewards/accuracies"), 0.7);
  EXPECT_LT(all.back().at("eval/loss"), all.front().at("eval/loss"));
  EXPECT_FALSE(all.back().contains("eval/perplexity"));
}

TEST_F(DpoTest, MarginsOfEachPairAreKept) {
  std::ifstream lines(path("whole") + "/margins.jsonl");
  std::size_t steps = 0;
  const auto metrics = rows("whole");
  for (std::string line; std::getline(lines, line); ++steps) {
    const json row = json::parse(line);
    ASSERT_EQ(row["rows"].size(), row["margins"].size());
    double sum = 0.0;
    for (const double margin : row["margins"]) sum += margin;
    for (const json& values : metrics)
      if (values["step"] == row["step"] && values.contains("train/loss")) {
        EXPECT_NEAR(sum / static_cast<double>(row["margins"].size()), values["train/rewards/margins"], 1e-9);
      }
    EXPECT_NE(row["rows"][0].get<std::string>().find("pairs.jsonl:"), std::string::npos);
  }
  EXPECT_EQ(steps, 12u);
}

TEST_F(DpoTest, TheWorstPairsAreListed) {
  // The last margin of each row, as the run kept them.
  std::map<std::string, double> margins;
  std::ifstream lines(path("whole") + "/margins.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    for (std::size_t i = 0; i < row["rows"].size(); ++i) margins[row["rows"][i]] = row["margins"][i];
  }
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [row, margin] : margins) order.emplace_back(margin, row);
  std::sort(order.begin(), order.end());
  ASSERT_EQ(run({"data", "worst", path("whole"), "--rows", "5"}), 0) << log();
  std::istringstream text(log());
  std::string line;
  std::getline(text, line);
  EXPECT_TRUE(line.starts_with(std::to_string(margins.size()) + " pairs, ")) << line;
  std::getline(text, line);
  for (std::size_t i = 0; i < 5; ++i) {
    double margin = 0.0;
    std::int64_t step = 0;
    std::string row;
    ASSERT_TRUE(text >> margin >> step >> row) << log();
    EXPECT_NEAR(margin, order[i].first, 1e-4);
    EXPECT_EQ(row, order[i].second);
    EXPECT_GE(step, 1);
  }
  EXPECT_FALSE(text >> line) << line;

  EXPECT_EQ(run({"data", "worst", path("demo")}), 2) << log();
  fs::create_directories(path("broken"));
  dir_->write("broken/margins.jsonl", "{\"step\":1,\"rows\":[\"a\"],\"margins\":[]}\n");
  EXPECT_EQ(run({"data", "worst", path("broken")}), 65);
  EXPECT_NE(log().find("margins.jsonl:1: is no row of margins"), std::string::npos) << log();
}

// Bit for bit in fp32 on a CPU: what a document is given does not depend on its neighbours.
TEST_F(DpoTest, LiveIsCached) {
  ASSERT_EQ(train("live", {"reference.mode=live"}), 0) << log();
  EXPECT_FALSE(fs::exists(cache_of("live")));
  expect_same("whole", "live");
}

TEST_F(DpoTest, AnyNumberOfRanksAndEveryStageOfSharding) {
  for (const auto& [ranks, shard] : std::vector<std::pair<int, int>>{{2, 0}, {2, 2}, {4, 3}}) {
    const std::string name = "ranks-" + std::to_string(ranks) + "-" + std::to_string(shard);
    ASSERT_EQ(launch(ranks, name, {"distributed.shard=" + std::to_string(shard)}), 0) << log();
    expect_same("whole", name);
  }
  ASSERT_EQ(launch(2, "ranks-live", {"distributed.shard=3", "reference.mode=live"}), 0) << log();
  expect_same("whole", "ranks-live");
}

// Other micro-batches, the same step but for the order of its sums.
TEST_F(DpoTest, AnySplitOfAStep) {
  ASSERT_EQ(train("split", {"batch.micro_tokens=256"}), 0) << log();
  const auto one = rows("whole"), other = rows("split");
  ASSERT_EQ(one.size(), other.size());
  for (std::size_t i = 0; i < one.size(); ++i)
    for (const auto& [key, value] : one[i].items())
      EXPECT_NEAR(value, other[i].at(key), 2e-4 * std::max(1.0, std::abs(value.get<double>())))
          << i << " " << key;
}

TEST_F(DpoTest, StoppedWhileTraining) {
  const auto stepping = [] { return rows("stopped").size() > 5; };
  ASSERT_EQ(run_until(stepping, SIGTERM, train_words("stopped")), 75) << log();
  ASSERT_EQ(train("stopped"), 0) << log();
  expect_same("whole", "stopped");
}

// The parts that were complete are not computed again, and what is cut is.
TEST_F(DpoTest, StoppedInTheReferencePass) {
  const auto begun = [] {
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(path("pass") + "/data", ignored))
      if (entry.path().filename() == "part-00000.ref") return true;
    return false;
  };
  ASSERT_EQ(run_until(begun, SIGTERM, train_words("pass")), 75) << log();
  const fs::path first = cache_of("pass") / "part-00000.ref";
  const auto written = fs::last_write_time(first);
  ASSERT_EQ(train("pass"), 0) << log();
  EXPECT_TRUE(fs::last_write_time(first) == written);
  expect_same("whole", "pass");
}

// Its pairs are sorted over the whole step: before the first backward, with the same bits for any ranks.
TEST_F(DpoTest, ALossThatSortsTheStep) {
  const Words aot{"loss.name=aot", "loss.beta=0.5", "run.max_steps=4"};
  ASSERT_EQ(train("aot", aot), 0) << log();
  EXPECT_NEAR(rows("aot").at(1).at("train/loss"), std::log(2.0), 1e-9);
  EXPECT_LT(rows("aot").at(4).at("train/loss"), rows("aot").at(1).at("train/loss"));
  for (const int ranks : {2, 4}) {
    ASSERT_EQ(launch(ranks, "aot-" + std::to_string(ranks), aot), 0) << log();
    expect_same("aot", "aot-" + std::to_string(ranks));
  }
  ASSERT_EQ(train("aot-split", joined(aot, {"batch.micro_tokens=256"})), 0) << log();
  const auto one = rows("aot"), other = rows("aot-split");
  for (std::size_t i = 0; i < one.size(); ++i)
    for (const char* key : {"train/loss", "train/grad_norm", "eval/loss"})
      if (one[i].contains(key)) {
        EXPECT_NEAR(one[i][key], other[i].at(key), 2e-4) << i << " " << key;
      }
}

TEST_F(DpoTest, OtherLossesTrainToo) {
  for (const std::string loss : {"ipo", "simpo", "cpo"}) {
    ASSERT_EQ(train("loss-" + loss, {"loss.name=" + loss, "run.max_steps=2", "loss.beta=0.5"}), 0)
        << loss << log();
    // Without a reference none is loaded and nothing is cached.
    EXPECT_EQ(fs::exists(cache_of("loss-" + loss)), loss == "ipo");
  }
}

}  // namespace
}  // namespace caravan
