// Stage rm from end to end: scores tell chosen from rejected, the result is a sequence classifier in Hugging
// Face layout, and nothing depends on ranks, shards or a stop.
#include <cstring>

#include "tests/preferences/pairs_fixture.h"

namespace caravan {
namespace {

class RewardModelTest : public PairsTest {
 protected:
  static void SetUpTestSuite() {
    PairsTest::SetUpTestSuite();
    std::string recipe = kRecipe;
    recipe.replace(recipe.find("stage: dpo"), 10, "stage: rm");
    const std::string loss = "{name: dpo_norm, beta: 5}";
    recipe.replace(recipe.find(loss), loss.size(), "{centring: 0.01}");
    dir_->write("dpo.yaml", recipe);
    ASSERT_EQ(train("whole"), 0) << log();
  }
  static json header(const std::string& run_dir) {
    const std::string bytes = final_bytes(run_dir);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    return json::parse(bytes.substr(8, length));
  }
};

TEST_F(RewardModelTest, LearnsToTellAnswersApart) {
  const auto all = rows("whole");
  EXPECT_NEAR(all.at(1).at("train/loss"), std::log(2.0), 0.3);
  EXPECT_GT(all.at(12).at("train/rewards/accuracies"), 0.8);
  EXPECT_GT(all.back().at("eval/rewards/accuracies"), 0.7);
  EXPECT_LT(all.back().at("eval/loss"), all.front().at("eval/loss"));
  EXPECT_FALSE(all.back().contains("eval/perplexity"));
}

TEST_F(RewardModelTest, IsASequenceClassifierOfOneLabel) {
  const json config = json::parse(tests::read_bytes(path("whole") + "/final/config.json"));
  EXPECT_EQ(config["architectures"], json::array({"LlamaForSequenceClassification"}));
  EXPECT_EQ(config["num_labels"], 1);
  EXPECT_EQ(config["id2label"].size(), 1u);
  const json tensors = header("whole");
  EXPECT_EQ(tensors["score.weight"]["shape"], json::array({1, 64}));
  EXPECT_FALSE(tensors.contains("lm_head.weight"));
}

TEST_F(RewardModelTest, AnyNumberOfRanksAndEveryStageOfSharding) {
  for (const auto& [ranks, shard] : std::vector<std::pair<int, int>>{{2, 1}, {4, 3}}) {
    const std::string name = "ranks-" + std::to_string(ranks) + "-" + std::to_string(shard);
    ASSERT_EQ(launch(ranks, name, {"distributed.shard=" + std::to_string(shard)}), 0) << log();
    expect_same("whole", name);
  }
}

TEST_F(RewardModelTest, StoppedAndGoneOn) {
  std::vector<std::string> words = train_words("stopped");
  words.insert(words.begin(), kProgram);
  tests::Program program(words, path("log"));
  ASSERT_TRUE(program.wait_until([] { return rows("stopped").size() > 5; })) << program.output();
  program.signal(SIGTERM);
  ASSERT_EQ(program.wait(), 75) << program.output();
  ASSERT_EQ(train("stopped"), 0) << log();
  expect_same("whole", "stopped");
}

// From a language model the body comes and the scores are new; from a reward model both; the other way is
// refused.
TEST_F(RewardModelTest, FromALanguageModelAndFromARewardModel) {
  const std::vector<std::string> short_run{"run.max_steps=2", "evaluation=null"};
  std::vector<std::string> more = short_run;
  more.insert(more.end(), {"model.init=pretrained", "model.path=" + path("whole/final")});
  ASSERT_EQ(train("further", more), 0) << log();
  EXPECT_GT(rows("further").at(0).at("train/rewards/accuracies"), 0.8);

  const std::string sft =
      "schema: 1\nstage: sft\nmodel: {path: demo, init: random, dtype: fp32}\ndata: {sources: [{path: "
      "demo/train.jsonl}], max_length: 256 tokens}\nbatch: {tokens: 1024}\noptimizer: {learning_rate: "
      "1e-3}\nrun: {dir: " +
      path("language") + ", max_steps: 2}\n";
  dir_->write("sft.yaml", sft);
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet"}), 0) << log();
  more = short_run;
  more.insert(more.end(), {"model.init=pretrained", "model.path=" + path("language/final")});
  for (const std::string dtype : {"fp32", "bf16"}) {
    more.push_back("model.dtype=" + dtype);
    ASSERT_EQ(train("from-language-" + dtype, more), 0) << log();
    more.pop_back();
    EXPECT_NEAR(rows("from-language-" + dtype).at(0).at("train/loss"), std::log(2.0), 0.4);
  }
  EXPECT_EQ(run({"train", path("sft.yaml"), "run.dir=" + path("refused"), "model.init=pretrained",
                 "model.path=" + path("whole/final")}),
            65);
  EXPECT_NE(log().find("is a reward model"), std::string::npos) << log();
}

}  // namespace
}  // namespace caravan
