// Small recipes, and pipelines of them as processes.
#pragma once

#include <chrono>

#include "tests/support/run_fixture.h"

namespace caravan {

using tests::Program;

class PipelineRun : public RunFixture {
 protected:
  static void SetUpTestSuite() {
    make_small_demo(200, 20);
    dir_->write("data.yaml",
                "schema: 1\nstage: data\nout: unset.jsonl\n"
                "sources: [{name: demo, path: demo/train.jsonl, format: messages}]\n"
                "deduplicate: {method: exact}\nrun: {dir: unset}\n");
    dir_->write(
        "sft.yaml",
        "schema: 1\nstage: sft\nmodel: {path: demo, init: random}\n"
        "data: {sources: [{path: demo/train.jsonl}], max_length: 256 tokens}\n"
        "batch: {tokens: 1024, micro_tokens: 512}\noptimizer: {learning_rate: 1.0e-3}\n"
        "schedule: {name: constant}\nrun: {dir: unset, max_steps: 6, seed: 5, checkpoint_every: 2 steps}\n");
    // Scores that rise with the attempt: it counts its own calls in the pipeline's folder.
    dir_->write("score.sh",
                "n=$(cat \"$CARAVAN_PIPELINE_DIR/count\" 2>/dev/null || echo 0)\nn=$((n + 1))\n"
                "echo $n > \"$CARAVAN_PIPELINE_DIR/count\"\n"
                "echo \"{\\\"quiz\\\": 0.$n}\" > \"$CARAVAN_STAGE_DIR/scores.json\"\n");
  }

  static Words pipeline_words(const std::string& recipe, const Words& more = {}) {
    return joined({"train", path(recipe), "--quiet"}, more);
  }
  static int train(const std::string& recipe, const Words& more = {}) {
    return run(pipeline_words(recipe, more));
  }
  static std::string write(const std::string& name, const std::string& stages) {
    dir_->write(name + ".yaml", "schema: 1\nstages:\n" + stages + "run: {dir: " + path(name) + "}\n");
    return name + ".yaml";
  }
  static json records(const std::string& name) {
    return json::parse(tests::read_bytes(path(name + "/pipeline.json")))["stages"];
  }
  // "sft go on, quiz back to sft, ..."
  static std::string story(const std::string& name) {
    std::string text;
    for (const json& record : records(name))
      text += (text.empty() ? "" : ", ") + record["stage"].get<std::string>() + ' ' +
              (record["state"] == "done" ? record["decision"] : record["state"]).get<std::string>();
    return text;
  }
  static std::string score_stage(const std::string& gate) {
    return "  - {name: quiz, command: [sh, " + path("score.sh") + "], gate: " + gate + "}\n";
  }

  static constexpr const char* kTwoStages =
      "  - {name: data, recipe: data.yaml}\n"
      "  - {name: sft, recipe: sft.yaml, with: {data.sources.0.path: \"{data.out}\", run.epochs: null}}\n"
      "  - {name: more, recipe: sft.yaml, model: sft, with: {model.init: pretrained, run.seed: 6}}\n";
};

}  // namespace caravan
