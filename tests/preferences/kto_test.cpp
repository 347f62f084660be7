// Stage kto from end to end: begins at the reference, learns from verdicts, and nothing depends on ranks, on
// where the reference's numbers come from, or on a stop.
#include "tests/preferences/pairs_fixture.h"

namespace caravan {
namespace {

class KtoTest : public PairsTest {
 protected:
  static void SetUpTestSuite() {
    PairsTest::SetUpTestSuite();
    write_verdicts("pairs.jsonl", "verdicts.jsonl");
    write_verdicts("held_out_pairs.jsonl", "held_out_verdicts.jsonl");
    std::string recipe = kRecipe;
    const auto change = [&recipe](const std::string& from, const std::string& to) {
      recipe.replace(recipe.find(from), from.size(), to);
    };
    change("stage: dpo", "stage: kto");
    change("path: pairs.jsonl, format: preference", "path: verdicts.jsonl, format: labelled");
    change("held_out_pairs.jsonl", "held_out_verdicts.jsonl");
    change("{name: dpo_norm, beta: 5}", "{beta: 0.3, desirable_weight: 1.1}");
    dir_->write("recipe.yaml", recipe);
    ASSERT_EQ(train("whole"), 0) << log();
  }

 private:
  // A good and a bad answer of each pair, in rows of their own.
  static void write_verdicts(const std::string& from, const std::string& to) {
    std::ifstream lines(path(from));
    std::string text;
    for (std::string line; std::getline(lines, line);)
      for (const char* side : {"chosen", "rejected"})
        text += json{{"messages", json::parse(line)[side]}, {"label", std::string(side) == "chosen"}}.dump() +
                "\n";
    dir_->write(to, text);
  }
};

TEST_F(KtoTest, BeginsAtTheReferenceAndLearns) {
  const auto all = rows("whole");
  const auto& first = all.at(1);
  EXPECT_EQ(first.at("train/kl"), 0.0);
  EXPECT_EQ(first.at("train/rewards/margins"), 0.0);
  // Half of each weight, whichever rows the step took.
  EXPECT_GE(first.at("train/loss"), 0.5);
  EXPECT_LE(first.at("train/loss"), 0.55);
  EXPECT_EQ(first.at("train/loss_count"), 12.0);
  EXPECT_GT(all.at(12).at("train/rewards/margins"), 0.1);
  EXPECT_GT(all.back().at("eval/rewards/margins"), 0.1);
  EXPECT_LT(all.back().at("eval/loss"), all.front().at("eval/loss"));
  bool moved = false;
  for (const json& row : all) moved = moved || row.value("train/kl", 0.0) > 0.0;
  EXPECT_TRUE(moved) << "the baseline never left 0, so it proves nothing";
}

TEST_F(KtoTest, LiveIsCached) {
  ASSERT_EQ(train("live", {"reference.mode=live"}), 0) << log();
  expect_same("whole", "live");
}

TEST_F(KtoTest, AnyNumberOfRanks) {
  for (const auto& [ranks, shard] : std::vector<std::pair<int, int>>{{2, 0}, {4, 3}}) {
    const std::string name = "ranks-" + std::to_string(ranks);
    ASSERT_EQ(launch(ranks, name, {"distributed.shard=" + std::to_string(shard)}), 0) << log();
    expect_same("whole", name);
  }
}

TEST_F(KtoTest, AnySplitOfAStep) {
  ASSERT_EQ(train("split", {"batch.micro_tokens=256"}), 0) << log();
  const auto one = rows("whole"), other = rows("split");
  ASSERT_EQ(one.size(), other.size());
  for (std::size_t i = 0; i < one.size(); ++i)
    for (const auto& [key, value] : one[i].items())
      EXPECT_NEAR(value, other[i].at(key), 2e-4 * std::max(1.0, std::abs(value.get<double>())))
          << i << " " << key;
}

TEST_F(KtoTest, KilledAndGoneOn) {
  const auto stepping = [] { return rows("killed").size() > 5; };
  ASSERT_EQ(run_until(stepping, SIGKILL, train_words("killed")), -SIGKILL);
  ASSERT_EQ(train("killed"), 0) << log();
  expect_same("whole", "killed");
}

TEST_F(KtoTest, WithoutABaselineAndWhatIsRefused) {
  ASSERT_EQ(train("apo", {"loss.name=apo_zero_unpaired", "run.max_steps=2"}), 0) << log();
  EXPECT_FALSE(rows("apo").at(1).contains("train/kl"));
  EXPECT_EQ(train("refused", {"data.sources.0.format=preference"}), 2) << log();
  EXPECT_NE(log().find("labelled"), std::string::npos) << log();
  EXPECT_EQ(train("refused", {"data.too_long=split"}), 2) << log();
  EXPECT_EQ(train("refused", {"loss.beta=0"}), 2) << log();
  EXPECT_EQ(train("refused", {"batch.micro_tokens=200"}), 2) << log();
  EXPECT_NE(log().find("an answer and the one to another prompt"), std::string::npos) << log();
}

}  // namespace
}  // namespace caravan
