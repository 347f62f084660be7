// A tiny run on several ranks, for tests that disturb it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/ranks.h"
#include "tests/support/small_config.h"
#include "tests/support/temp_dir.h"

namespace caravan {

inline const std::string kProgram = std::string(CARAVAN_BINARY_DIR) + "/caravan";

class RanksTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<tests::TempDir>();
    ASSERT_EQ(tests::Program({kProgram, "demo-data", "--out", path("demo"), "--rows", "300", "--held-out",
                              "20", "--seed", "3"},
                             path("log"))
                  .wait(),
              0);
    tests::make_config_small(path("demo/config.json"));
    dir_->write("recipe.yaml", kRecipe);
  }
  static void TearDownTestSuite() { dir_.reset(); }
  static std::string path(const std::string& name) { return (dir_->path() / name).string(); }

  // A run of 20 steps that writes into a folder of its own; `more` wins.
  static std::vector<std::string> train(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{kProgram, "train", path("recipe.yaml"), "--quiet", "run.dir=" + path(run)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // One that goes on until it is disturbed.
  static std::vector<std::string> endless(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = train(run, {"run.max_steps=1000000"});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static int launch(int ranks, const std::vector<std::string>& words,
                    const std::vector<std::string>& flags = {}) {
    std::vector<std::string> all{kProgram, "launch", "--nproc", std::to_string(ranks)};
    all.insert(all.end(), flags.begin(), flags.end());
    all.push_back("--");
    all.insert(all.end(), words.begin() + 1, words.end());
    return tests::Program(all, path("log")).wait();
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
  static std::string final_bytes(const std::string& run) {
    return tests::read_bytes(path(run) + "/final/model.safetensors");
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
  static inline std::unique_ptr<tests::TempDir> dir_;
};

}  // namespace caravan
