// A small model, prompts that a verifier can tell, and runs of stage rlvr on them as processes.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/readers/row_source.h"
#include "tests/support/program.h"
#include "tests/support/small_config.h"
#include "tests/support/temp_dir.h"

namespace caravan {

namespace fs = std::filesystem;
using nlohmann::json;

inline const std::string kProgram = std::string(CARAVAN_BINARY_DIR) + "/caravan";

class RlvrRun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<tests::TempDir>();
    ASSERT_EQ(run({"demo-data", "--out", path("demo"), "--rows", "60", "--held-out", "4", "--seed", "3"}), 0)
        << log();
    tests::make_config_small(path("demo/config.json"));
    // Of random text about half holds one of these.
    write_prompts("prompts.jsonl", "regex", "[0-2]");
    dir_->write("rlvr.yaml", kRecipe);
  }
  static void TearDownTestSuite() { dir_.reset(); }

  static std::string path(const std::string& name) { return (dir_->path() / name).string(); }
  static std::string log() { return tests::read_bytes(path("log")); }
  static int run(std::vector<std::string> words) {
    words.insert(words.begin(), kProgram);
    return tests::Program(words, path("log")).wait();
  }
  static std::vector<std::string> train_words(const std::string& run_dir,
                                              const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"train", path("rlvr.yaml"), "--quiet", "run.dir=" + path(run_dir)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static int train(const std::string& run_dir, const std::vector<std::string>& more = {}) {
    return run(train_words(run_dir, more));
  }

  static void write_prompts(const std::string& to, const json& dataset, const json& truth) {
    std::ifstream lines(path("demo/train.jsonl"));
    std::string text;
    for (std::string line; std::getline(lines, line);)
      text +=
          json{
              {"messages", {json::parse(line)["messages"][0]}}, {"dataset", dataset}, {"ground_truth", truth}}
              .dump() +
          "\n";
    dir_->write(to, text);
  }

  // Metrics without what measures time and memory.
  static std::vector<json> rows(const std::string& run_dir) {
    std::vector<json> all;
    std::ifstream lines(path(run_dir) + "/metrics.jsonl");
    // A line that is still being written is none yet.
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
      json kept = json::object();
      const json row = json::parse(line);
      for (const auto& [key, value] : row.items())
        if (!key.starts_with("speed/") && !key.starts_with("memory/") && !key.ends_with("seconds") &&
            !key.ends_with("_per_second"))
          kept[key] = value;
      all.push_back(kept);
    }
    return all;
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
  static std::string final_bytes(const std::string& run_dir) {
    return tests::read_bytes(path(run_dir) + "/final/model.safetensors");
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
  static inline std::unique_ptr<tests::TempDir> dir_;
};

}  // namespace caravan
