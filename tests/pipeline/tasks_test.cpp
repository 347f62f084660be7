// What a pipeline does about tasks that cannot be asked: told before the first stage where that can be known,
// else recorded, and left to the gate.
#include "tests/pipeline/pipeline_run.h"

namespace caravan {
namespace {

class PipelineTasks : public PipelineRun {
 protected:
  static void SetUpTestSuite() {
    PipelineRun::SetUpTestSuite();
    // Question and answer fit any model; the other task's are longer than this one's positions.
    const std::string head =
        "schema: 1\nkind: generation\nsuite: development\nprompt: \"{{ q }}\"\nverifiers: [{name: "
        "regex}]\nground_truth: \"{{ a }}\"\n";
    dir_->write("short.yaml", head + "name: short\ndata: short.jsonl\ngeneration: {max_new_tokens: 4}\n");
    dir_->write("short.jsonl", json{{"q", "two?"}, {"a", ".*"}}.dump() + "\n");
    dir_->write("long.yaml", head + "name: long\ndata: long.jsonl\ngeneration: {max_new_tokens: 4}\n");
    dir_->write("long.jsonl", json{{"q", std::string(20000, 'x')}, {"a", "1"}}.dump() + "\n");
  }
  static std::string stage(const std::string& tasks, const std::string& gate = "{}") {
    return "  - {name: sft, recipe: sft.yaml, tasks: [" + tasks + "], gate: " + gate + "}\n";
  }
};

TEST_F(PipelineTasks, OneThatFailsIsRecordedAndTheOthersCount) {
  const std::string next = "  - {name: next, command: [\"true\"]}\n";
  EXPECT_EQ(train(write("open", stage("long.yaml, short.yaml") + next)), 0) << log();
  EXPECT_EQ(story("open"), "sft go on, next go on");
  const json record = records("open")[0];
  EXPECT_EQ(record["scores"]["short"], 1.0);
  EXPECT_FALSE(record["scores"].contains("long"));
  EXPECT_NE(record["failed_tasks"]["long"].get<std::string>().find("none of the items could be asked"),
            std::string::npos)
      << record;
  EXPECT_NE(record["reasons"].dump().find("long was not measured"), std::string::npos) << record;
  const json results = json::parse(tests::read_bytes(path("open/1-sft/evaluation/results.json")));
  EXPECT_EQ(results["failed"].size(), 1u);
}

TEST_F(PipelineTasks, AGateOnOneThatFailedIsNotPassed) {
  EXPECT_EQ(train(write("gated", stage("long.yaml, short.yaml", "{min: {long: 0.1}}"))), 78) << log();
  EXPECT_NE(log().find("long was not measured: long: none of the items"), std::string::npos) << log();
  EXPECT_EQ(train(write("other", stage("long.yaml, short.yaml", "{min: {short: 0.1}}"))), 0) << log();
}

TEST_F(PipelineTasks, WhatCanBeKnownIsToldBeforeAnythingRuns) {
  const auto refused = [](const std::string& stages, const std::string& text, int code) {
    EXPECT_EQ(train(write("refused", stages)), code) << stages;
    EXPECT_FALSE(fs::exists(path("refused"))) << stages;
    EXPECT_NE(log().find(text), std::string::npos) << log();
  };
  const std::string head =
      "schema: 1\nkind: generation\nsuite: development\nprompt: \"{{ q }}\"\nverifiers: [{name: gsm8k}]\n";
  dir_->write("absent.yaml", head + "name: absent\ndata: absent.jsonl\nground_truth: \"{{ a }}\"\n");
  refused(stage("absent.yaml"), "stage sft, tasks: ", 65);
  dir_->write("other_keys.yaml", head + "name: other\ndata: short.jsonl\nground_truth: \"{{ z }}\"\n");
  refused(stage("other_keys.yaml"), "stage sft, tasks: ", 65);
  dir_->write("empty_truth.yaml", head + "name: truth\ndata: truth.jsonl\nground_truth: \"{{ a }}\"\n");
  dir_->write("truth.jsonl", json{{"q", "two?"}, {"a", ""}}.dump() + "\n");
  refused(stage("empty_truth.yaml"), "none of its items can be asked (no_ground_truth)", 65);
  // A command before may write the file; a stage's folder is not there yet.
  const std::string made =
      "  - {name: make, command: [sh, -c, 'cp " + path("short.jsonl") + " " + path("absent.jsonl") + "']}\n";
  EXPECT_EQ(train(write("made", made + stage("absent.yaml"))), 0) << log();
  fs::remove(path("absent.jsonl"));
}

TEST_F(PipelineTasks, AnEvaluationIsNoStage) {
  dir_->write("evaluate.yaml",
              "schema: 1\nstage: evaluate\nmodels: [{name: a, path: demo}]\ntasks: [gsm8k]\nrun: {dir: x}\n");
  EXPECT_EQ(train(write("evaluated", stage("short.yaml") + "  - {name: asked, recipe: evaluate.yaml}\n")), 2);
  EXPECT_NE(log().find("is of stage evaluate"), std::string::npos) << log();
  EXPECT_NE(log().find("tasks of the stage"), std::string::npos) << log();
  EXPECT_FALSE(fs::exists(path("evaluated")));
}

}  // namespace
}  // namespace caravan
