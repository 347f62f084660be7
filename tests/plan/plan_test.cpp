// What `caravan plan` says beside what a run then takes: real processes, their peaks as the kernel counts
// them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace caravan {
namespace {

using nlohmann::json;
using tests::Program;

const std::string kProgram = std::string(CARAVAN_BINARY_DIR) + "/caravan";

struct Case {
  const char* name;
  std::int64_t width, layers, vocabulary;
  bool tied;
  const char *dtype, *recompute;
  std::int64_t tokens, micro_tokens, ranks, shard;
  bool ordered, saves;
};

// Few parameters and much text, and the other way round; each policy, dtype and stage. Large enough that the
// code which oneDNN generates for each length of a batch, some MiB, does not decide.
constexpr Case kCases[] = {
    {"bf16", 512, 6, 867, true, "bf16", "none", 4096, 1024, 1, 0, true, true},
    {"fp32", 512, 6, 867, true, "fp32", "none", 4096, 1024, 1, 0, true, false},
    {"deep", 256, 12, 867, true, "bf16", "none", 4096, 2048, 1, 0, true, false},
    {"recompute_all", 256, 12, 867, true, "bf16", "all", 4096, 2048, 1, 0, true, true},
    {"recompute_half", 256, 12, 867, true, "bf16", "every 2 layers", 4096, 2048, 1, 0, true, false},
    {"one_micro_batch", 512, 6, 32000, true, "bf16", "none", 1024, 1024, 1, 0, false, false},
    {"untied", 512, 6, 32000, false, "bf16", "none", 2048, 1024, 1, 0, true, true},
    {"fp32_recompute", 512, 6, 32000, true, "fp32", "all", 1024, 512, 1, 0, false, false},
    {"stage_1", 512, 6, 32000, true, "bf16", "none", 2048, 512, 2, 1, true, false},
    {"stage_2", 512, 6, 32000, true, "bf16", "none", 2048, 512, 2, 2, true, true},
    {"stage_3", 512, 6, 32000, true, "bf16", "none", 2048, 512, 2, 3, true, false},
    {"stage_3_fp32", 512, 6, 32000, true, "fp32", "all", 2048, 512, 2, 3, true, false},
};

// Processors differ in the code that oneDNN makes for them; where this was written nothing is needed here.
constexpr double kGeneratedCode = 12.0 * (1 << 20);

class PlanTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<tests::TempDir>();
    ASSERT_EQ(run({kProgram, "demo-data", "--out", path("demo"), "--rows", "2000", "--held-out", "10",
                   "--seed", "3"}),
              0);
    // Rows are tokenized once, and not by the runs that are measured.
    write({"first", 256, 2, 867, true, "bf16", "none", 4096, 1024, 1, 0, true, false});
    ASSERT_EQ(run({kProgram, "plan", path("first.yaml")}), 0) << log();
  }
  static void TearDownTestSuite() { dir_.reset(); }
  static std::string path(const std::string& name) { return (dir_->path() / name).string(); }
  static int run(const std::vector<std::string>& words) { return Program(words, path("log")).wait(); }
  static std::string log() { return tests::read_bytes(path("log")); }

  static void write(const Case& c) {
    const std::string model = std::string("model_") + c.name;
    std::filesystem::copy(path("demo"), path(model));
    json config = json::parse(tests::read_bytes(path("demo/config.json")));
    config["hidden_size"] = c.width;
    config["intermediate_size"] = c.width * 11 / 4;
    config["num_hidden_layers"] = c.layers;
    config["num_attention_heads"] = c.width / 64;
    config["num_key_value_heads"] = 2;
    config["head_dim"] = 64;
    config["vocab_size"] = c.vocabulary;
    config["tie_word_embeddings"] = c.tied;
    dir_->write(model + "/config.json", config.dump());
    dir_->write(std::string(c.name) + ".yaml",
                "schema: 1\nstage: sft\nmodel: {path: " + model + ", init: random, dtype: " + c.dtype +
                    ", recompute: \"" + c.recompute +
                    "\"}\ndata: {sources: [{path: demo/train.jsonl}], max_length: 256 tokens, cache_dir: " +
                    path("cache") + "}\nbatch: {tokens: " + std::to_string(c.tokens) +
                    ", micro_tokens: " + std::to_string(c.micro_tokens) +
                    "}\noptimizer: {learning_rate: 1.0e-3}\nschedule: {name: constant}\nrun: {dir: " +
                    path(std::string("run_") + c.name) + ", max_steps: 4, seed: 5, threads: " +
                    std::to_string(2 / c.ranks) + ", deterministic: " + (c.ordered ? "true" : "false") +
                    (c.saves ? ", checkpoint_every: 2 steps" : "") +
                    "}\ndistributed: {shard: " + std::to_string(c.shard) + "}\n");
  }
  static double measured_peak(const Case& c) {
    std::ifstream lines(path(std::string("run_") + c.name) + "/metrics.jsonl");
    double peak = 0.0;
    for (std::string line; std::getline(lines, line);)
      peak = std::max(peak, json::parse(line).value("memory/peak_bytes", 0.0));
    return peak;
  }
  static json plan(const std::string& recipe, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{kProgram, "plan", path(recipe), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(run(words), 0) << log();
    const std::string text = log();  // notes come first
    return json::parse(text.substr(text.find('{')));
  }

  static inline std::unique_ptr<tests::TempDir> dir_;
};

TEST_F(PlanTest, PeaksOfTwelveRuns) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    write(c);
    const std::string recipe = std::string(c.name) + ".yaml", ranks = std::to_string(c.ranks);
    const json planned = plan(recipe, {"--no-data", "--memory", "100", "--ranks", ranks});
    std::vector<std::string> words{kProgram, "train", path(recipe), "--quiet"};
    if (c.ranks > 1) words = {kProgram, "launch", "--nproc", ranks, "--", "train", path(recipe), "--quiet"};
    ASSERT_EQ(run(words), 0) << log();
    const double peak = planned["memory_bytes"]["peak"], measured = measured_peak(c);
    EXPECT_NEAR(peak, measured, 0.05 * measured + kGeneratedCode) << planned.dump();
    // Up to a GiB each.
    std::filesystem::remove_all(path(std::string("run_") + c.name));
    std::filesystem::remove_all(path(std::string("model_") + c.name));
  }
}

TEST_F(PlanTest, StepsAreThoseOfTraining) {
  write({"counted", 256, 2, 867, true, "bf16", "none", 4096, 1024, 1, 0, true, false});
  const json planned = plan("counted.yaml", {"run.max_steps=null", "run.epochs=2"});
  ASSERT_EQ(run({kProgram, "train", path("counted.yaml"), "--quiet", "run.epochs=2"}), 0) << log();
  const json card = json::parse(tests::read_bytes(path("run_counted/run.json")));
  EXPECT_EQ(planned["steps"], card["sizes"]["steps"]);
  EXPECT_EQ(planned["tokens"], card["sizes"]["tokens_of_all_steps"]);
  EXPECT_EQ(planned["parameters"], card["sizes"]["parameters"]);
  EXPECT_EQ(planned["epochs"], 2.0);
}

TEST_F(PlanTest, WhatCannotFitIsRefusedWithTheSmallestChange) {
  write({"large", 512, 6, 32000, true, "bf16", "none", 8192, 8192, 1, 0, true, false});
  write({"many", 512, 6, 32000, true, "bf16", "none", 2048, 256, 4, 0, true, false});
  const auto refused = [](const std::vector<std::string>& more, const char* recipe = "large.yaml") {
    std::vector<std::string> words{kProgram, "plan", path(recipe), "--no-data"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(run(words), 71) << log();
    return log();
  };
  EXPECT_NE(refused({"--memory", "0.95"}).find("model.recompute=all would fit"), std::string::npos) << log();
  EXPECT_NE(refused({"--memory", "0.66", "--ranks", "4"}, "many.yaml").find("distributed.shard=1 would fit"),
            std::string::npos)
      << log();
  EXPECT_NE(refused({"--memory", "0.4"}).find(" ranks of as much would fit"), std::string::npos) << log();
}

// Ring arithmetic by hand: 2 ranks, stage 3, so half of everything travels.
TEST_F(PlanTest, Traffic) {
  write({"traffic", 256, 2, 867, true, "bf16", "none", 2048, 512, 2, 3, true, false});
  const json planned = plan("traffic.yaml", {"--no-data", "--ranks", "2", "--memory", "100"});
  const double all = planned["parameters"], embedding = 867 * 256, norm = 256;
  EXPECT_EQ(planned["micro_batches"], 4);
  EXPECT_NEAR(planned["sent_bytes_of_a_step"]["gradients"].get<double>(), 2.0 * 4.0 * all / 2.0, 8.0);
  EXPECT_NEAR(planned["sent_bytes_of_a_step"]["parameters"].get<double>(),
              2.0 * 2.0 * (2.0 * all - embedding - norm) / 2.0, 8.0);
}

}  // namespace
}  // namespace caravan
