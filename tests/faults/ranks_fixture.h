// A tiny run on several ranks, for tests that disturb it.
#pragma once

#include <chrono>
#include <map>

#include "tests/support/ranks.h"
#include "tests/support/run_fixture.h"

namespace caravan {

class RanksTest : public RunFixture {
 protected:
  static void SetUpTestSuite() {
    make_small_demo(300, 20);
    dir_->write("recipe.yaml", kRecipe);
  }

  // A run of 20 steps that goes on until it is disturbed instead.
  static Words endless(const std::string& run_dir, const Words& more = {}) {
    return train_words(run_dir, joined({"run.max_steps=1000000"}, more));
  }

  static std::int64_t steps_done(const std::string& run) {
    std::ifstream lines(path(run) + "/metrics.jsonl");
    std::int64_t steps = 0;
    for (std::string line; std::getline(lines, line);) steps += line.find("train/loss") != std::string::npos;
    return steps;
  }
  static std::function<bool()> stepping(const std::string& run, std::int64_t steps = 3) {
    return [run, steps] { return steps_done(run) >= steps; };
  }
  // This rank ends with code 76 within 30 s of `since`, and tells one cause, in which all of `parts` are.
  static void expect_lost(tests::Ranks& ranks, int rank, std::chrono::steady_clock::time_point since,
                          const std::vector<std::string>& parts) {
    EXPECT_EQ(ranks[rank].wait(), 76) << ranks[rank].output();
    EXPECT_LT(std::chrono::steady_clock::now() - since, std::chrono::seconds(30));
    const std::vector<std::string> words = ranks.last_words(rank);
    ASSERT_EQ(words.size(), 1u) << ranks[rank].output();
    for (const std::string& part : parts) EXPECT_NE(words[0].find(part), std::string::npos) << words[0];
  }

  static inline const std::string kRecipe =
      "schema: 1\nstage: sft\nmodel: {path: demo, init: random, dtype: fp32}\n"
      "data: {sources: [{path: demo/train.jsonl}], max_length: 256 tokens}\n"
      "batch: {tokens: 1024, micro_tokens: 256}\n"
      "optimizer: {learning_rate: 1.0e-3, weight_decay: 0.1}\n"
      "schedule: {name: cosine, warmup: 2 steps}\n"
      "loss: {neftune_noise_alpha: 5, z_loss: 0.001}\n"
      "run: {dir: unset, max_steps: 20, seed: 5, checkpoint_every: 4 steps, keep: 2, threads: 1}\n"
      "distributed: {timeout: 3 seconds, join_timeout: 20 seconds}\n"
      "evaluation: {every: 8 steps, sources: [{path: demo/held_out.jsonl}]}\n";
};

}  // namespace caravan
