// A small model, prompts that a verifier can tell, and runs of stage rlvr on them as processes.
#pragma once

#include <signal.h>

#include "data/readers/row_source.h"
#include "tests/support/run_fixture.h"

namespace caravan {

class RlvrRun : public RunFixture {
 protected:
  static void SetUpTestSuite() {
    make_small_demo(60, 4);
    // About a third of random text holds one.
    write_prompts("prompts.jsonl", "regex", "w");
    dir_->write("recipe.yaml", kRecipe);
  }

  // The same questions whatever the demo asks.
  static std::vector<json> questions() {
    std::vector<json> all;
    for (int i = 0; i < 60; ++i) {
      const std::string text =
          "What is " + std::to_string(3 + i % 7) + " plus " + std::to_string(10 + i) + "?";
      all.push_back({{"role", "user"}, {"content", text}});
    }
    return all;
  }
  static void write_prompts(const std::string& to, const json& dataset, const json& truth) {
    std::string text;
    for (const json& question : questions())
      text +=
          json{{"messages", json::array({question})}, {"dataset", dataset}, {"ground_truth", truth}}.dump() +
          "\n";
    dir_->write(to, text);
  }

  // The kept rollout that was made after so many steps, its first line left out.
  static std::vector<json> rollout(const std::string& run_dir, int step) {
    char name[40];
    std::snprintf(name, sizeof name, "/rollouts/step-%08d.jsonl.zst", step);
    const auto source = data::open_rows(path(run_dir) + name);
    std::vector<json> all;
    data::RowBlock block;
    while (source->next(block))
      for (const auto& line : block.rows) all.push_back(json::parse(block.text(line)));
    if (!all.empty()) all.erase(all.begin());
    return all;
  }
  // Rollouts that are complete.
  static std::size_t rollout_kept(const std::string& run_dir) {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path(run_dir) + "/rollouts", ignored))
      count += entry.path().extension() == ".zst" ? 1 : 0;
    return count;
  }
  static void expect_same(const std::string& one, const std::string& other) {
    EXPECT_EQ(json(rows(one)).dump(1), json(rows(other)).dump(1)) << other;
    for (const int step : {0, 4, 8}) EXPECT_EQ(json(rollout(one, step)), json(rollout(other, step))) << other;
    EXPECT_TRUE(final_bytes(one) == final_bytes(other)) << other << ": other weights";
  }

  static inline const std::string kRecipe =
      "schema: 1\nstage: rlvr\nmodel: {path: demo, init: random, dtype: fp32}\n"
      "data: {sources: [{path: prompts.jsonl}], max_length: 128 tokens}\n"
      "batch: {sequences: 8, micro_tokens: 256}\n"
      "optimizer: {learning_rate: 3.0e-3, weight_decay: 0.0}\n"
      "schedule: {name: constant, warmup: 0 %}\n"
      "rollout: {prompts: 4, completions: 4, max_new_tokens: 12, passes: 2}\n"
      "loss: {name: grpo}\n"
      "run: {dir: unset, max_steps: 12, seed: 5, checkpoint_every: 3 steps, keep: 2, threads: 1}\n"
      "distributed: {timeout: 20 seconds, join_timeout: 20 seconds}\n";
};

}  // namespace caravan
