// Recipes of stage prefer against a server process.
#include "recipes/preferences/run_preferences.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/readers/row.h"
#include "recipes/resolved_recipe.h"
#include "tests/support/server.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

class PreferenceRun : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  std::string model(const std::string& name) const {
    return "  - {name: " + name + ", url: \"" + server_.url() + "\", model: " + name +
           ", backoff_seconds: 0.01}\n";
  }
  std::string text(const std::string& models, const std::string& more) const {
    return "schema: 1\nstage: prefer\nout: " + path("out.jsonl") +
           "\nprompts: {path: prompts.jsonl}\nmodels:\n" + models + more + "run: {dir: " + path("run") +
           ", seed: 5}\n";
  }
  ReadPreferenceRecipe read(const std::string& recipe) const {
    return read_preference_recipe(dir_.write("recipe.yaml", recipe), {});
  }
  int run(const std::string& recipe) const { return run_preferences(read(recipe), true, nullptr); }
  std::vector<Json> out() const { return tests::read_json_lines(path("out.jsonl")); }
  Json report(const std::string& step) const {
    return tests::read_json(path("run/reports/" + step + "/report.json"));
  }
  void write_prompts(int count) const {
    std::string rows;
    for (int i = 0; i < count; ++i)
      rows += Json{{"prompt", "Tell me of town " + std::to_string(i)}}.dump() + "\n";
    dir_.write("prompts.jsonl", rows);
  }

  const tests::TempDir dir_;
  tests::Server server_;
};

TEST_F(PreferenceRun, AJudgeMakesPairsOfAPool) {
  write_prompts(10);
  const std::string recipe =
      text(model("quality_1") + model("quality_3") + model("quality_5") + model("judge"),
           "responses: {per_prompt: 3}\njudge: {model: judge}\npairs: {rule: best_worst}\n");
  ASSERT_EQ(run(recipe), 0);
  ASSERT_EQ(out().size(), 10u);
  for (const Json& row : out()) {
    EXPECT_EQ(row["preference"]["chosen"]["model"], "quality_5");
    EXPECT_EQ(row["preference"]["rejected"]["model"], "quality_1");
    EXPECT_EQ(row["preference"]["margin"], 4.0);
    EXPECT_EQ(row["chosen"][0], row["rejected"][0]);
    // Training takes the row.
    data::JsonRow json;
    data::TrainingRow training;
    const std::string line = row.dump();
    EXPECT_EQ(parse_training_row(line, data::RowFormat::kPreference, {}, json, training).fate,
              data::RowFate::kKept);
  }
  EXPECT_EQ(server_.num_asked(), 10u * 3 + 10 * 4);
  const Json models = report("4-pairs")["models"];
  EXPECT_EQ(models[2], (Json{{"model", "quality_5"},
                             {"responses", 10},
                             {"scored", 10},
                             {"mean_score", 5.0},
                             {"chosen", 10},
                             {"rejected", 0},
                             {"ratings",
                              {{"helpfulness", 5.0},
                               {"honesty", 5.0},
                               {"instruction_following", 5.0},
                               {"truthfulness", 5.0}}}}));
  // The same again costs nothing and changes nothing; another rule asks nobody.
  const std::string before = tests::read_bytes(path("out.jsonl"));
  const std::string ledger = tests::read_bytes(path("run/ledger.json"));
  EXPECT_EQ(tests::read_json(path("run/ledger.json"))["spent"].size(), 4u);
  ASSERT_EQ(run(recipe), 0);
  EXPECT_EQ(tests::read_bytes(path("out.jsonl")), before);
  EXPECT_EQ(tests::read_bytes(path("run/ledger.json")), ledger);
  ASSERT_EQ(run(text(model("quality_1") + model("quality_3") + model("quality_5") + model("judge"),
                     "responses: {per_prompt: 3}\njudge: {model: judge}\npairs: {rule: margin, margin: 1, "
                     "per_prompt: 3}\n")),
            0);
  EXPECT_EQ(out().size(), 30u);
  EXPECT_EQ(server_.num_asked(), 70u);
}

TEST_F(PreferenceRun, BadRatingsAreAskedAgainThenDropped) {
  std::string rows;
  for (const char* prompt : {"fine", "unreadable", "fine too"})
    rows += Json{{"prompt", prompt}}.dump() + "\n";
  rows += Json{{"prompt", "fine"}}.dump() + "\n{\"x\":1}\n";
  dir_.write("prompts.jsonl", rows);
  ASSERT_EQ(
      run(text(model("quality_1") + model("quality_5") + model("moody_judge"),
               "responses: {per_prompt: 2}\njudge: {model: moody_judge, attempts: 2, honesty: none}\n")),
      0);
  EXPECT_EQ(out().size(), 2u);
  EXPECT_NE(report("3-judge")["reasons"].dump().find("judge:helpfulness:no_ratings"), std::string::npos);
  const std::string dropped = report("1-prompts")["reasons"].dump();
  EXPECT_NE(dropped.find("duplicate_prompt"), std::string::npos);
  EXPECT_NE(dropped.find("no_prompt"), std::string::npos);
  EXPECT_EQ(out()[0]["preference"]["chosen"]["ratings"].size(), 3u);
  // Three prompts by three aspects, each twice.
  EXPECT_EQ(server_.num_asked(), 3u * 2 + 3 * 3 * 2);
}

TEST_F(PreferenceRun, ThePolicyAnswersItsShare) {
  write_prompts(60);
  ASSERT_EQ(run(text(model("quality_1") + model("quality_3") + model("quality_5") + model("judge"),
                     "responses: {per_prompt: 2, on_policy: quality_3, on_policy_share: \"50 %\"}\njudge: "
                     "{model: judge, honesty: none, "
                     "truthfulness: none, helpfulness: none}\n")),
            0);
  const Json models = report("4-pairs")["models"];
  EXPECT_NEAR(models[1]["responses"].get<double>(), 30, 12);
  EXPECT_EQ(models[0]["responses"].get<int>() + models[1]["responses"].get<int>() +
                models[2]["responses"].get<int>(),
            120);
}

TEST_F(PreferenceRun, AVerifierTellsRightFromWrong) {
  std::string rows;
  for (int i = 0; i < 12; ++i)
    rows += Json{{"question", "What is " + std::to_string(i) + " + 5?"},
                 {"ground_truth", std::to_string(i + 5)},
                 {"dataset", i == 3 ? "nothing" : "gsm8k"}}
                .dump() +
            "\n";
  rows += Json{{"question", "What is it?"}}.dump() + "\n";
  dir_.write("prompts.jsonl", rows);
  ASSERT_EQ(
      run(text(model("sums"),
               "responses: {per_prompt: 6}\nverifier: {reward_field: dataset}\npairs: {scorer: verifier}\n")),
      0);
  ASSERT_GE(out().size(), 8u);  // one in 32 prompts has no wrong, or no right answer
  for (const Json& row : out()) {
    EXPECT_EQ(row["preference"]["chosen"]["verdict"], "right");
    EXPECT_EQ(row["preference"]["rejected"]["verdict"], "wrong");
  }
  const std::string reasons = report("3-verify")["reasons"].dump();
  EXPECT_NE(reasons.find("no_ground_truth"), std::string::npos);
  EXPECT_NE(reasons.find("no_verifier:nothing"), std::string::npos);
  // Rejection sampling from the same answers.
  const std::size_t asked = server_.num_asked();
  ASSERT_EQ(run(text(model("sums"),
                     "responses: {per_prompt: 6}\nverifier: {reward_field: dataset}\npairs: {scorer: "
                     "verifier, output: best, min_score: 1}\n")),
            0);
  EXPECT_EQ(server_.num_asked(), asked);
  for (const Json& row : out()) {
    EXPECT_EQ(row["messages"].size(), 2u);
    EXPECT_EQ(row["preference"]["best"]["verdict"], "right");
  }
}

TEST_F(PreferenceRun, PromptsAreReadFromEveryLayout) {
  dir_.write("prompts.jsonl",
             Json{{"conversations",
                   {{{"from", "human"}, {"value", "What is 1 + 2?"}}, {{"from", "gpt"}, {"value", "3"}}}}}
                     .dump() +
                 "\n" +
                 Json{{"output", "7"}, {"instruction", "Add them."}, {"input", "What is 3 + 4?"}}.dump() +
                 "\n" + Json{{"prompt", "What is 2 + 2?"}, {"chosen", "4"}, {"rejected", "5"}}.dump() + "\n" +
                 Json{{"prompt", "What is 9 + 9?"}}.dump() + "\n");
  std::string recipe = text(
      model("sums"), "responses: {per_prompt: 2}\nverifier: {reward: string}\npairs: {scorer: verifier}\n");
  recipe.replace(recipe.find("prompts.jsonl}"), 14, "prompts.jsonl, truth: answer}");
  ASSERT_EQ(run(recipe), 0);
  const std::vector<Json> rows = tests::read_json_lines(path("run/rows/1-prompts.jsonl"));
  ASSERT_EQ(rows.size(), 4u);
  for (const Json& row : rows) EXPECT_EQ(row["messages"].size(), 1u) << row;
  EXPECT_EQ(rows[0]["ground_truth"], "3");
  EXPECT_EQ(rows[1]["messages"][0]["content"], "Add them.\n\nWhat is 3 + 4?");
  EXPECT_EQ(rows[1]["ground_truth"], "7");
  EXPECT_EQ(rows[2]["ground_truth"], "4");
  EXPECT_FALSE(rows[3].contains("ground_truth"));
}

TEST_F(PreferenceRun, AReasonIsCutBetweenCharacters) {
  const std::string name = "r" + std::string(60, 'x') + "\u00e9\u00e9\u00e9\u00e9";
  dir_.write("prompts.jsonl",
             Json{{"prompt", "What is 9 + 9?"}, {"ground_truth", "18"}, {"reward", name}}.dump() + "\n");
  ASSERT_EQ(
      run(text(model("sums"),
               "responses: {per_prompt: 2}\nverifier: {reward_field: reward}\npairs: {scorer: verifier}\n")),
      0);
  const std::string reason = report("3-verify")["reasons"][0]["reason"].get<std::string>();
  EXPECT_TRUE(reason.starts_with("no_verifier:rxxx")) << reason;
  EXPECT_TRUE(reason.ends_with("x...")) << reason;
}

TEST_F(PreferenceRun, TiesAndEqualTextsMakeNoPairs) {
  write_prompts(3);
  ASSERT_EQ(
      run(text(model("quality_3") + model("judge"), "responses: {per_prompt: 2}\njudge: {model: judge}\n")),
      0);
  EXPECT_EQ(out().size(), 0u);
  EXPECT_EQ(report("4-pairs")["reasons"][0]["reason"], "tie");
  ASSERT_EQ(
      run(text(model("quality_3") + model("judge"),
               "responses: {per_prompt: 2}\njudge: {model: judge}\npairs: {rule: best_random_other}\n")),
      0);
  EXPECT_EQ(report("4-pairs")["reasons"][0]["reason"], "identical");
}

TEST_F(PreferenceRun, MistakesInTheRecipeAreToldAtOnce) {
  write_prompts(1);
  try {
    read(text(model("a"),
              "responses: {per_prompt: 1, on_policy: b}\njudge: {model: a}\nverifier: {reward: math}\npairs: "
              "{margin: 2}\n"));
    FAIL();
  } catch (const RecipeError& error) {
    const std::string told = error.what();
    for (const char* expected :
         {"responses.on_policy: found \"b\"", "verifier has no effect with pairs.scorer: judge",
          "pairs.margin has no effect without pairs.rule: margin", "a pair needs at least 2 answers",
          "nobody answers"})
      EXPECT_NE(told.find(expected), std::string::npos) << expected << "\n" << told;
  }
}

TEST_F(PreferenceRun, AResolvedRecipeReadsBackTheSame) {
  const PreferenceRecipe recipe = read(text(model("a") + model("judge"), "judge: {model: judge}\n")).recipe;
  EXPECT_EQ(read(resolved_yaml(recipe)).recipe, recipe);
}

}  // namespace
}  // namespace caravan::recipes
