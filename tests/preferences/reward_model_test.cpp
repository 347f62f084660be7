// Stage rm from end to end: scores tell chosen from rejected, the result is a sequence classifier in Hugging
// Face layout, and nothing depends on ranks, shards or a stop.
#include <cstring>

#include "tests/preferences/pairs_fixture.h"
#include "tests/support/python.h"

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
    dir_->write("recipe.yaml", recipe);
    ASSERT_EQ(train("whole"), 0) << log();
  }
  static json header(const std::string& run_dir) {
    const std::string bytes = final_bytes(run_dir);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    return json::parse(bytes.substr(8, length));
  }
  // A language model of two steps.
  static std::string language_model() {
    const std::string sft =
        "schema: 1\nstage: sft\nmodel: {path: demo, init: random, dtype: fp32}\ndata: {sources: [{path: "
        "demo/train.jsonl}], max_length: 256 tokens}\nbatch: {tokens: 1024}\noptimizer: {learning_rate: "
        "1e-3}\nrun: {dir: " +
        path("language") + ", max_steps: 2}\n";
    dir_->write("sft.yaml", sft);
    EXPECT_EQ(run({"train", path("sft.yaml"), "--quiet"}), 0) << log();
    return path("language/final");
  }
  // Of conversations, by the reward model of the run "whole".
  static std::vector<double> transformers_scores(const std::string& conversations) {
    dir_->write("sides.jsonl", conversations);
    const std::string tokenize = "'" + with_program({}).front() + "' tokenize --model '" +
                                 path("whole/final") + "' < '" + path("sides.jsonl") + "' > '" +
                                 path("ids.jsonl") + "'";
    EXPECT_EQ(std::system(tokenize.c_str()), 0);
    const auto found =
        tests::run_python(std::string(CARAVAN_SOURCE_DIR) + "/tests/numerics/score_with_transformers.py",
                          "'" + path("whole/final") + "' '" + path("ids.jsonl") + "'");
    EXPECT_EQ(found.status, 0) << found.output;
    return json::parse(found.output.substr(found.output.rfind('[')));
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
  const auto stepping = [] { return rows("stopped").size() > 5; };
  ASSERT_EQ(run_until(stepping, SIGTERM, train_words("stopped")), 75) << log();
  ASSERT_EQ(train("stopped"), 0) << log();
  expect_same("whole", "stopped");
}

// Answers of a model, scored by the reward model, become pairs whose chosen answer has the higher score; and
// the scores are those of transformers.
TEST_F(RewardModelTest, ScoresAnswersForPairs) {
  const std::string policy = language_model();
  const std::string prefer =
      "schema: 1\nstage: prefer\nout: " + path("scored.jsonl") +
      "\nprompts: {path: demo/held_out.jsonl}\nmodels: [{name: policy, device: cpu, checkpoint: \"" + policy +
      "\"}]\nresponses: {per_prompt: 3, max_tokens: 12, keep_cut: true}\nreward_model: {checkpoint: \"" +
      path("whole/final") +
      "\", device: cpu, batch_tokens: 300}\npairs: {scorer: reward_model, rule: best_worst}\nrun: {dir: " +
      path("prefer") + "}\n";
  dir_->write("prefer.yaml", prefer);
  ASSERT_EQ(run({"prefer", path("prefer.yaml"), "--quiet"}), 0) << log();
  std::ifstream lines(path("scored.jsonl"));
  std::string sides;
  std::vector<double> scores;
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    EXPECT_EQ(row["preference"]["scorer"], "reward_model");
    EXPECT_GT(row["preference"]["chosen"]["score"], row["preference"]["rejected"]["score"]);
    for (const char* side : {"chosen", "rejected"}) {
      sides += json{{"messages", row[side]}}.dump() + "\n";
      scores.push_back(row["preference"][side]["score"]);
    }
  }
  EXPECT_GT(scores.size(), 12u);
  // The same command again asks nobody and changes nothing.
  const std::string before = tests::read_bytes(path("scored.jsonl"));
  ASSERT_EQ(run({"prefer", path("prefer.yaml"), "--quiet"}), 0) << log();
  EXPECT_EQ(tests::read_bytes(path("scored.jsonl")), before);
  // Other texts in a pass, the same scores.
  ASSERT_EQ(run({"prefer", path("prefer.yaml"), "--quiet", "reward_model.batch_tokens=100000",
                 "run.dir=" + path("prefer-whole"), "out=" + path("scored-whole.jsonl")}),
            0)
      << log();
  EXPECT_EQ(tests::read_bytes(path("scored-whole.jsonl")), before);

  EXPECT_EQ(run({"prefer", path("prefer.yaml"), "reward_model.checkpoint=" + policy,
                 "run.dir=" + path("refused-prefer")}),
            65);
  EXPECT_NE(log().find("is a language model"), std::string::npos) << log();
  EXPECT_EQ(run({"prefer", path("prefer.yaml"), "pairs.scorer=verifier"}), 2);
  EXPECT_NE(log().find("reward_model has no effect"), std::string::npos) << log();

  SKIP_WITHOUT_PYTHON_MODULE("transformers");
  const std::vector<double> wanted = transformers_scores(sides);
  ASSERT_EQ(wanted.size(), scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(scores[i], wanted[i], 1e-4) << i;
}

// transformers opens the result and gives the held-out answers the scores that the run measured last.
TEST_F(RewardModelTest, TransformersGivesTheSameScores) {
  SKIP_WITHOUT_PYTHON_MODULE("transformers");
  std::ifstream lines(path("held_out_pairs.jsonl"));
  std::string sides;
  for (std::string line; std::getline(lines, line);)
    for (const char* side : {"chosen", "rejected"})
      sides += json{{"messages", json::parse(line)[side]}}.dump() + "\n";
  const std::vector<double> scores = transformers_scores(sides);
  double sums[2] = {};
  for (std::size_t i = 0; i < scores.size(); ++i) sums[i % 2] += scores[i];
  const double pairs = static_cast<double>(scores.size()) / 2.0;
  const json last = rows("whole").back();
  EXPECT_NEAR(sums[0] / pairs, last.at("eval/rewards/chosen"), 1e-4);
  EXPECT_NEAR(sums[1] / pairs, last.at("eval/rewards/rejected"), 1e-4);
}

// What rows say of their pairs changes what is learned; a row that does not say it is named.
TEST_F(RewardModelTest, MarginsOfRows) {
  const auto with_margins = [](const std::string& from, const std::string& to, std::size_t without) {
    std::ifstream lines(path(from));
    std::string text;
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      json row = json::parse(line);
      if (++number != without) row["margin"] = 1.5;
      text += row.dump() + "\n";
    }
    dir_->write(to, text);
  };
  with_margins("pairs.jsonl", "rated.jsonl", 0);
  with_margins("pairs.jsonl", "unrated.jsonl", 17);
  const Words asked{"loss.row_margins=true", "run.max_steps=2", "evaluation=null",
                    "data.sources.0.path=" + path("rated.jsonl")};
  ASSERT_EQ(train("by-rows", asked), 0) << log();
  Words same = asked;
  same[0] = "loss.margin=1.5";
  ASSERT_EQ(train("by-recipe", same), 0) << log();
  expect_same("by-recipe", "by-rows");
  same[0] = "loss.margin=0";
  ASSERT_EQ(train("without", same), 0) << log();
  EXPECT_NE(rows("without").at(0).at("train/loss"), rows("by-rows").at(0).at("train/loss"));

  Words refused = asked;
  refused[3] = "data.sources.0.path=" + path("unrated.jsonl");
  EXPECT_EQ(train("refused-row", refused), 65) << log();
  EXPECT_NE(log().find("unrated.jsonl:17: has no field margin"), std::string::npos) << log();
  // Every held-out row is asked for one too.
  refused[3] = asked[3];
  refused.erase(refused.begin() + 2);
  EXPECT_EQ(train("refused-held-out", refused), 65) << log();
  EXPECT_NE(log().find("held_out_pairs.jsonl:1"), std::string::npos) << log();
}

TEST_F(RewardModelTest, PlanKnowsTheHead) {
  const auto parameters = [](const std::string& stage) {
    std::string recipe = tests::read_bytes(path("recipe.yaml"));
    if (stage == "dpo") recipe = kRecipe;
    dir_->write("planned.yaml", recipe);
    EXPECT_EQ(run({"plan", path("planned.yaml"), "--json", "run.dir=" + path("planned")}), 0) << log();
    return json::parse(log()).at("parameters").get<std::int64_t>();
  };
  // Of a tied language model the rows of the embedding, here a row of its own.
  EXPECT_EQ(parameters("rm"), parameters("dpo") + 64);
}

// From a language model the body comes and the scores are new; from a reward model both; the other way is
// refused.
TEST_F(RewardModelTest, FromALanguageModelAndFromARewardModel) {
  const Words short_run{"run.max_steps=2", "evaluation=null", "model.init=pretrained"};
  ASSERT_EQ(train("further", joined(short_run, {"model.path=" + path("whole/final")})), 0) << log();
  EXPECT_GT(rows("further").at(0).at("train/rewards/accuracies"), 0.8);

  const std::string language = language_model();
  for (const std::string dtype : {"fp32", "bf16"}) {
    const Words more = joined(short_run, {"model.path=" + language, "model.dtype=" + dtype});
    ASSERT_EQ(train("from-language-" + dtype, more), 0) << log();
    EXPECT_NEAR(rows("from-language-" + dtype).at(0).at("train/loss"), std::log(2.0), 0.4);
  }
  EXPECT_EQ(run({"train", path("sft.yaml"), "run.dir=" + path("refused"), "model.init=pretrained",
                 "model.path=" + path("whole/final")}),
            65);
  EXPECT_NE(log().find("is a reward model"), std::string::npos) << log();
}

}  // namespace
}  // namespace caravan
