// Pairs made of the demo's dialogues, a tiny model and a recipe of stage dpo, for tests that run the program.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/small_config.h"
#include "tests/support/temp_dir.h"

namespace caravan {

inline const std::string kProgram = std::string(CARAVAN_BINARY_DIR) + "/caravan";

class PairsTest : public testing::Test {
 protected:
  using json = nlohmann::json;

  static void SetUpTestSuite() {
    dir_ = std::make_unique<tests::TempDir>();
    ASSERT_EQ(run({"demo-data", "--out", path("demo"), "--rows", "120", "--held-out", "12", "--seed", "3"}),
              0)
        << log();
    tests::make_config_small(path("demo/config.json"));
    write_pairs("demo/train.jsonl", "pairs.jsonl");
    write_pairs("demo/held_out.jsonl", "held_out_pairs.jsonl");
    dir_->write("dpo.yaml", kRecipe);
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
    std::vector<std::string> words{"train", path("dpo.yaml"), "--quiet", "run.dir=" + path(run_dir)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static int train(const std::string& run_dir, const std::vector<std::string>& more = {}) {
    return run(train_words(run_dir, more));
  }
  static int launch(int ranks, const std::string& run_dir, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"launch", "--nproc", std::to_string(ranks), "--"};
    for (std::string& word : train_words(run_dir, more)) words.push_back(std::move(word));
    return run(words);
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
        if (!key.starts_with("speed/") && !key.starts_with("memory/")) kept[key] = value;
      all.push_back(kept);
    }
    return all;
  }
  static std::string final_bytes(const std::string& run_dir) {
    return tests::read_bytes(path(run_dir) + "/final/model.safetensors");
  }
  // The same numbers, the same margins of each pair, the same weights: bit for bit.
  static void expect_same(const std::string& one, const std::string& other) {
    EXPECT_EQ(json(rows(one)).dump(1), json(rows(other)).dump(1)) << other;
    EXPECT_EQ(tests::read_bytes(path(one) + "/margins.jsonl"),
              tests::read_bytes(path(other) + "/margins.jsonl"));
    EXPECT_TRUE(final_bytes(one) == final_bytes(other)) << other << ": other weights";
  }
  // The folder of the reference's log-probabilities of the rows that are trained on.
  static std::filesystem::path cache_of(const std::string& run_dir) {
    std::filesystem::path largest;
    std::ptrdiff_t most = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path(run_dir) + "/data/cache")) {
      if (!entry.path().filename().string().starts_with("reference-")) continue;
      const auto parts = std::distance(std::filesystem::directory_iterator(entry.path()), {});
      if (parts > most) {
        most = parts;
        largest = entry.path();
      }
    }
    return largest;
  }

  static inline const std::string kRecipe =
      "schema: 1\nstage: dpo\nmodel: {path: demo, init: random, dtype: fp32}\n"
      "data: {sources: [{path: pairs.jsonl, format: preference}], max_length: 128 tokens}\n"
      "batch: {sequences: 12, micro_tokens: 512}\n"
      "optimizer: {learning_rate: 1.0e-3}\n"
      "schedule: {name: linear, warmup: 10 %}\n"
      "loss: {name: dpo_norm, beta: 5}\n"
      "run: {dir: unset, max_steps: 12, seed: 5, checkpoint_every: 4 steps, keep: 2, threads: 1}\n"
      "distributed: {timeout: 10 seconds, join_timeout: 20 seconds}\n"
      "evaluation: {every: 6 steps, sources: [{path: held_out_pairs.jsonl}]}\n";
  static inline std::unique_ptr<tests::TempDir> dir_;

 private:
  // The answer of another dialogue is the rejected one.
  static void write_pairs(const std::string& from, const std::string& to) {
    std::vector<json> dialogues;
    std::ifstream lines(path(from));
    for (std::string line; std::getline(lines, line);) dialogues.push_back(json::parse(line)["messages"]);
    std::string text;
    for (std::size_t i = 0; i < dialogues.size(); ++i) {
      json rejected = dialogues[i];
      rejected.back()["content"] =
          "no: " + dialogues[(i + 7) % dialogues.size()].back()["content"].get<std::string>();
      text += json{{"chosen", dialogues[i]}, {"rejected", rejected}}.dump() + "\n";
    }
    dir_->write(to, text);
  }
};

}  // namespace caravan
