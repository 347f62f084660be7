// Pairs made of the demo's dialogues, a tiny model and a recipe of stage dpo, for tests that run the program.
#pragma once

#include <cmath>

#include "tests/support/run_fixture.h"

namespace caravan {

class PairsTest : public RunFixture {
 protected:
  static void SetUpTestSuite() {
    make_small_demo(120, 12);
    write_pairs("demo/train.jsonl", "pairs.jsonl");
    write_pairs("demo/held_out.jsonl", "held_out_pairs.jsonl");
    dir_->write("recipe.yaml", kRecipe);
  }

  // The same numbers, the same margins of each pair, the same weights: bit for bit.
  static void expect_same(const std::string& one, const std::string& other) {
    EXPECT_EQ(json(rows(one)).dump(1), json(rows(other)).dump(1)) << other;
    EXPECT_EQ(tests::read_bytes(path(one) + "/margins.jsonl"),
              tests::read_bytes(path(other) + "/margins.jsonl"));
    EXPECT_TRUE(final_bytes(one) == final_bytes(other)) << other << ": other weights";
  }
  // The folder of the reference's log-probabilities of the rows that are trained on.
  static fs::path cache_of(const std::string& run_dir) {
    fs::path largest;
    std::ptrdiff_t most = 0;
    for (const auto& entry : fs::directory_iterator(path(run_dir) + "/data/cache")) {
      if (!entry.path().filename().string().starts_with("reference-")) continue;
      const auto parts = std::distance(fs::directory_iterator(entry.path()), {});
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
