// Recipes of stage synthesize against a server process.
#include "recipes/synthesis/run_synthesis.h"

#include <gtest/gtest.h>

#include <set>

#include "data/error.h"
#include "recipes/resolved_recipe.h"
#include "tests/support/server.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

class SynthesisRun : public testing::Test {
 protected:
  void SetUp() override {
    std::string personas, rows;
    for (int i = 0; i < 5; ++i) personas += "A keeper of lighthouse number " + std::to_string(i) + "\n";
    for (int i = 0; i < 4; ++i)
      rows += Json{{"id", "r" + std::to_string(i)},
                   {"messages", {{{"role", "user"}, {"content", "Question " + std::to_string(i)}}}}}
                  .dump() +
              "\n";
    dir_.write("personas.txt", personas);
    dir_.write("rows.jsonl", rows);
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  std::string text(const std::string& tasks, const std::string& more = "") const {
    return "schema: 1\nstage: synthesize\nout: " + path("out.jsonl") +
           "\nmodels:\n  - {name: teacher, url: \"" + server_.url() +
           "\", model: teacher, concurrency: 4, backoff_seconds: 0.01" + more +
           "}\n  - {name: solver, url: \"" + server_.url() + "\", model: sums}\n" + tasks +
           "run: {dir: " + path("run") + ", seed: 3}\n";
  }
  ReadSynthesisRecipe read(const std::string& recipe) const {
    return read_synthesis_recipe(dir_.write("recipe.yaml", recipe), {});
  }
  int run(const std::string& recipe) const { return run_synthesis(read(recipe), true, nullptr); }
  std::string error_of(const std::function<void()>& act) const {
    try {
      act();
    } catch (const Error& error) {
      return std::to_string(error.exit_code()) + " " + error.what();
    } catch (const RecipeError& error) {
      return "2 " + std::string(error.what());
    }
    return "no error";
  }
  std::vector<Json> out() const { return tests::read_json_lines(path("out.jsonl")); }
  Json ledger() const { return tests::read_json(path("run/ledger.json")); }

  const std::string kMath =
      "personas: {path: personas.txt}\n"
      "tasks:\n  - {name: sums, kind: persona, family: grade_school_math, model: teacher, answer_model: "
      "solver, rows: 12}\n";
  const tests::TempDir dir_;
  tests::Server server_;
};

TEST_F(SynthesisRun, PersonasAskAndAreAnswered) {
  ASSERT_EQ(run(text(kMath)), 0);
  const std::vector<Json> rows = out();
  ASSERT_EQ(rows.size(), 12u);
  std::set<std::string> ids;
  for (const Json& row : rows) {
    ids.insert(row["id"].get<std::string>());
    EXPECT_EQ(row["source"], "sums");
    EXPECT_EQ(row["messages"].size(), 2u);
    EXPECT_TRUE(row["messages"][1]["content"].get<std::string>().starts_with("It is so.\n#### "));
    EXPECT_TRUE(row["synthesis"]["model"].get<std::string>().starts_with("teacher at 127.0.0.1:"));
    EXPECT_EQ(row["synthesis"]["answer"]["template"], "grade_school_math_answer");
  }
  EXPECT_EQ(ids.size(), 12u);
  EXPECT_EQ(server_.num_asked(), 24u);
  EXPECT_EQ(ledger()["tasks"][0],
            (Json{{"name", "sums"}, {"inputs", 5}, {"made", 12}, {"left", 12}, {"written", 12}}));
  EXPECT_EQ(ledger()["spent"][0]["requests"], 12);
}

TEST_F(SynthesisRun, NothingIsAskedTwice) {
  ASSERT_EQ(run(text(kMath)), 0);
  const std::string before = tests::read_bytes(path("out.jsonl"));
  // Everything but the log of requests is lost.
  for (const char* gone : {"run/rows", "run/reports", "out.jsonl"}) std::filesystem::remove_all(path(gone));
  ASSERT_EQ(run(text(kMath)), 0);
  EXPECT_EQ(server_.num_asked(), 24u);
  EXPECT_EQ(tests::read_bytes(path("out.jsonl")), before);
}

TEST_F(SynthesisRun, TheSameAgainLeavesTheLedgerAsItWas) {
  dir_.write("topics.txt", "bread\nsnow\n");
  const std::string recipe = text(
      "personas: {model: teacher, topics: topics.txt}\n"
      "tasks:\n  - {name: code, kind: persona, family: code, model: solver, answer_model: solver}\n");
  ASSERT_EQ(run(recipe), 0);
  const std::string before = tests::read_bytes(path("run/ledger.json"));
  EXPECT_EQ(ledger()["spent"].size(), 2u);
  EXPECT_EQ(ledger()["spent"][1]["model"], "teacher");
  EXPECT_EQ(ledger()["spent"][1]["requests"], 2);
  ASSERT_EQ(run(recipe), 0);
  EXPECT_EQ(tests::read_bytes(path("run/ledger.json")), before);
}

TEST_F(SynthesisRun, ATemplateThatChangedIsAskedAnew) {
  dir_.write("prompt.jinja", "{{ messages[0].content }}");
  const std::string recipe = text(kMath, ", api: completions, prompt_template: ./prompt.jinja");
  ASSERT_EQ(run(recipe), 0);
  EXPECT_EQ(server_.num_asked(), 24u);
  dir_.write("prompt.jinja", "Task: {{ messages[0].content }}");
  ASSERT_EQ(run(recipe), 0);
  EXPECT_GE(server_.num_asked(), 36u);
}

TEST_F(SynthesisRun, RowsOfEveryLayoutAreAnswered) {
  dir_.write(
      "rows.jsonl",
      Json{{"conversations", {{{"from", "human"}, {"value", "Why?"}}, {{"from", "gpt"}, {"value", "So."}}}}}
              .dump() +
          "\n" + Json{{"output", "T."}, {"instruction", "Sum up."}, {"input", "A tale."}}.dump() + "\n");
  ASSERT_EQ(run(text("tasks:\n  - {name: done, kind: answer, path: rows.jsonl, answer_model: solver}\n")), 0);
  const std::vector<Json> rows = out();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["messages"][0]["content"], "Why?");
  EXPECT_EQ(rows[1]["messages"][0]["content"], "Sum up.\n\nA tale.");
  EXPECT_EQ(rows[1]["messages"].size(), 2u);
}

TEST_F(SynthesisRun, WhatIsMissingIsToldBeforeAnythingIsAsked) {
  const std::string task = "tasks:\n  - {name: code, kind: persona, family: code, model: teacher}\n";
  for (const char* personas :
       {"personas: {path: none.txt}\n", "personas: {model: teacher, topics: none.txt}\n"}) {
    const ReadSynthesisRecipe recipe = read(text(personas + task));
    EXPECT_NE(error_of([&] { check_synthesis_files(recipe); }).find("none.txt"), std::string::npos)
        << personas;
  }
}

TEST_F(SynthesisRun, ABudgetStopsItAndMoreMoneyGoesOn) {
  const std::string error = error_of([&] { run(text(kMath, ", max_requests: 7")); });
  EXPECT_TRUE(error.starts_with("75 ")) << error;
  EXPECT_EQ(server_.num_asked(), 7u);
  EXPECT_FALSE(std::filesystem::exists(path("out.jsonl")));
  ASSERT_EQ(run(text(kMath, ", max_requests: 20")), 0);
  EXPECT_EQ(server_.num_asked(), 24u);
}

TEST_F(SynthesisRun, RowsAreVariedPlayedOnAndAnswered) {
  ASSERT_EQ(run(text("tasks:\n"
                     "  - {name: other, kind: vary, path: rows.jsonl, model: teacher, per_row: 2}\n"
                     "  - {name: play, kind: self_play, from: other, model: teacher, answer_model: solver, "
                     "rows: 3, rounds: 2}\n"
                     "  - {name: done, kind: answer, path: rows.jsonl, answer_model: solver}\n")),
            0);
  std::map<std::string, std::vector<Json>> by_source;
  for (const Json& row : out()) by_source[row["source"].get<std::string>()].push_back(row);
  ASSERT_EQ(by_source["other"].size(), 8u);
  EXPECT_EQ(by_source["other"][0]["needs_answer"], true);
  EXPECT_EQ(by_source["other"][1]["synthesis"]["parent_id"], "r0");
  ASSERT_EQ(by_source["play"].size(), 6u);
  EXPECT_EQ(by_source["play"][1]["synthesis"]["parent_id"], by_source["play"][0]["id"]);
  EXPECT_EQ(by_source["play"][1]["synthesis"]["round"], 2);
  EXPECT_EQ(by_source["play"][1]["messages"].size(), 2u);
  ASSERT_EQ(by_source["done"].size(), 4u);
  EXPECT_EQ(by_source["done"][0]["messages"][0]["content"], "Question 0");
  // 8 rows to begin with, 5 not taken: the ledger says so.
  const Json report = tests::read_json(path("run/reports/2-make-play/report.json"));
  EXPECT_EQ(report["totals"]["rows"], 8);
  EXPECT_EQ(report["totals"]["dropped"], 5);
}

TEST_F(SynthesisRun, RowsThatExistAreNotMadeAgain) {
  ASSERT_EQ(run(text(kMath)), 0);
  const std::vector<Json> rows = out();
  std::string existing;
  for (int i = 0; i < 5; ++i)
    existing += Json{{"prompt", rows[i]["messages"][0]["content"]}, {"completion", "?"}}.dump() + "\n";
  dir_.write("have.jsonl", existing);
  ASSERT_EQ(run(text(kMath + "existing: [{path: have.jsonl}]\n")), 0);
  EXPECT_EQ(out().size(), 7u);
  EXPECT_EQ(server_.num_asked(), 24u);
}

TEST_F(SynthesisRun, NoNewRowTakesThePlaceOfOneThatExists) {
  const std::string existing = kMath + "existing: [{path: rows.jsonl}]\n";
  for (const char* keep : {"longest", "score, score_field: s"}) {
    const std::string error = error_of([&] { read(text(existing + "deduplicate: {keep: " + keep + "}\n")); });
    EXPECT_NE(error.find("allowed with existing: first, source"), std::string::npos) << error;
  }
  EXPECT_NO_THROW(read(text(existing + "deduplicate: {keep: source}\n")));
}

TEST_F(SynthesisRun, AModelInventsPersonas) {
  dir_.write("topics.txt", "bread\nsnow\n");
  ASSERT_EQ(run(text("personas: {model: teacher, topics: topics.txt}\n"
                     "tasks:\n  - {name: code, kind: persona, family: code, model: teacher}\n")),
            0);
  EXPECT_EQ(out().size(), 2u);
  EXPECT_TRUE(out()[0]["synthesis"]["persona"].get<std::string>().ends_with("asked for bread"));
}

TEST_F(SynthesisRun, RowsThatFailAreCountedAndTheRestIsMade) {
  std::string rows;
  for (const char* prompt : {"a", "refusal", "length", "status 400 9", "b"})
    rows += Json{{"prompt", prompt}}.dump() + "\n";
  rows += "no json\n";
  dir_.write("rows.jsonl", rows);
  const std::string recipe = "schema: 1\nstage: synthesize\nout: " + path("out.jsonl") +
                             "\nmodels: [{name: m, url: \"" + server_.url() +
                             "\", model: misbehaves}]\ntasks: [{name: t, kind: answer, path: rows.jsonl, "
                             "answer_model: m}]\nrun: {dir: " +
                             path("run") + "}\n";
  ASSERT_EQ(run(recipe), 0);
  EXPECT_EQ(out().size(), 2u);
  const Json reasons = tests::read_json(path("run/reports/2-make-t/report.json"))["reasons"];
  for (const char* reason : {"answer_failed:refused", "answer_cut", "answer_failed:http_400", "invalid_json"})
    EXPECT_NE(reasons.dump().find(reason), std::string::npos) << reason << reasons.dump();
}

TEST_F(SynthesisRun, MistakesInTheRecipeAreToldAtOnce) {
  const std::string error = error_of([&] {
    read(
        "schema: 1\nstage: synthesize\nout: o.jsonl\nmodels: [{name: a, url: \"http://x/v1\", model: m, "
        "dtype: bf16}, {name: b}]\n"
        "tasks: [{name: t, kind: persona, model: c, rounds: 2}, {name: t, kind: vary, model: a, from: "
        "later}]\nrun: {dir: r}\n");
  });
  for (const char* expected :
       {"models[0].dtype has no effect on an endpoint", "models[1]: exactly one of url and checkpoint",
        "tasks[0].model: found \"c\"; allowed: a name of models: a, b", "kind persona needs a family",
        "tasks[0].rounds has no effect", "tasks[1].name: t is the name of another one",
        "tasks[1].from: found \"later\"; allowed: the name of a task above",
        "exactly one of personas.path and personas.model"})
    EXPECT_NE(error.find(expected), std::string::npos) << expected << "\n" << error;
}

TEST_F(SynthesisRun, AResolvedRecipeReadsBackTheSame) {
  const SynthesisRecipe recipe = read(text(kMath)).recipe;
  EXPECT_EQ(read(resolved_yaml(recipe)).recipe, recipe);
}

}  // namespace
}  // namespace caravan::recipes
