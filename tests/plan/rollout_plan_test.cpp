// What `caravan plan` says of a stage that samples, beside what its runs take: value model, reference, reward
// model, keys and values.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace caravan {
namespace {

using nlohmann::json;
using tests::Program;

const std::string kProgram = std::string(CARAVAN_BINARY_DIR) + "/caravan";

// The same as in plan_test.cpp.
constexpr double kGeneratedCode = 12.0 * (1 << 20);

class RolloutPlan : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<tests::TempDir>();
    ASSERT_EQ(run({"demo-data", "--out", path("demo"), "--rows", "200", "--held-out", "4", "--seed", "3"}),
              0);
    std::ifstream lines(path("demo/train.jsonl"));
    std::string rows;
    for (std::string line; std::getline(lines, line);)
      rows += json{{"messages", {json::parse(line)["messages"][0]}},
                   {"dataset", "regex"},
                   {"ground_truth", "[0-2]"}}
                  .dump() +
              "\n";
    dir_->write("prompts.jsonl", rows);
  }
  static void TearDownTestSuite() { dir_.reset(); }
  static std::string path(const std::string& name) { return (dir_->path() / name).string(); }
  static int run(std::vector<std::string> words) {
    words.insert(words.begin(), kProgram);
    return Program(words, path("log")).wait();
  }
  static std::string log() { return tests::read_bytes(path("log")); }

  static void write_model(const std::string& name, std::int64_t width, std::int64_t layers,
                          std::int64_t kv_heads) {
    std::filesystem::copy(path("demo"), path(name));
    json config = json::parse(tests::read_bytes(path("demo/config.json")));
    config["hidden_size"] = width;
    config["intermediate_size"] = width * 11 / 4;
    config["num_hidden_layers"] = layers;
    config["num_attention_heads"] = width / 64;
    config["num_key_value_heads"] = kv_heads;
    config["head_dim"] = 64;
    dir_->write(name + "/config.json", config.dump());
  }
  static std::string recipe(const std::string& name, const std::string& model, const std::string& keys) {
    dir_->write(name + ".yaml",
                "schema: 1\nstage: rlvr\nmodel: {path: " + model +
                    ", init: random, dtype: bf16}\ndata: {sources: [{path: prompts.jsonl}], " +
                    "max_length: 192 tokens}\nbatch: {sequences: 32, micro_tokens: 1024}\n" +
                    "optimizer: {learning_rate: 1.0e-4}\nschedule: {name: constant, warmup: 0 %}\n" + keys +
                    "run: {dir: " + path("run_" + name) + ", max_steps: 2, seed: 5, threads: 2}\n");
    return path(name + ".yaml");
  }
  static json plan(const std::string& recipe, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"plan", recipe, "--json", "--memory", "100"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(run(words), 0) << log();
    const std::string text = log();
    return json::parse(text.substr(text.find('{')));
  }
  static double measured_peak(const std::string& name) {
    std::ifstream lines(path("run_" + name) + "/metrics.jsonl");
    double peak = 0.0;
    for (std::string line; std::getline(lines, line);)
      peak = std::max(peak, json::parse(line).value("memory/peak_bytes", 0.0));
    return peak;
  }
  static std::string rollout(int prompts, int completions) {
    return "rollout: {prompts: " + std::to_string(prompts) + ", completions: " + std::to_string(completions) +
           ", max_new_tokens: 160, batch_size: " + std::to_string(prompts * completions) + ", tries: 50}\n";
  }

  static inline std::unique_ptr<tests::TempDir> dir_;
};

TEST_F(RolloutPlan, PeaksOfRuns) {
  write_model("middling", 512, 6, 2);
  write_model("many_heads", 256, 8, 4);
  const std::vector<std::tuple<std::string, std::string, std::string>> cases{
      {"grpo", "middling", rollout(8, 4) + "loss: {name: grpo, beta: 0}\n"},
      {"reference", "middling",
       rollout(8, 4) + "loss: {name: grpo}\nreference: {sync_steps: 1, mixup_alpha: 0.5}\n"},
      {"ppo", "middling", rollout(8, 4) + "loss: {name: ppo}\n"},
      {"cache", "many_heads", rollout(8, 32) + "loss: {name: grpo, beta: 0}\n"},
  };
  for (const auto& [name, model, keys] : cases) {
    SCOPED_TRACE(name);
    const std::string file = recipe(name, model, keys);
    const std::string step = name == "cache" ? "batch.sequences=256" : "batch.sequences=32";
    const json planned = plan(file, {"--no-data", step});
    ASSERT_EQ(run({"train", file, "--quiet", step}), 0) << log();
    const double peak = planned["memory_bytes"]["peak"], measured = measured_peak(name);
    // A completion that ends early, as about a quarter do, gives back the pages that the plan counts.
    const double unused = 0.25 * planned["moments"]["sampling"]["kv_cache"].get<double>();
    EXPECT_LE(measured, peak + 0.05 * measured + kGeneratedCode) << planned["moments"].dump(1);
    EXPECT_GE(measured, peak - unused - 0.05 * measured - kGeneratedCode) << planned["moments"].dump(1);
    std::filesystem::remove_all(path("run_" + name));
  }
}

// Rules by hand: one trained model more, one frozen copy more, pages of 64 tokens.
TEST_F(RolloutPlan, WhatIsAdded) {
  write_model("counted", 256, 2, 2);
  const std::string file = recipe("counted", "counted", rollout(8, 4) + "loss: {name: grpo, beta: 0}\n");
  const json plain = plan(file);
  const double parameters = plain["parameters"];
  EXPECT_EQ(plain["memory_bytes"]["reference"], 0);
  EXPECT_EQ(plain["memory_bytes"]["value_model"], 0);
  const json& sampling = plain["moments"]["sampling"];
  EXPECT_EQ(sampling["kv_cache"], 32 * 3 * 64 * 2 * 2 * 64 * 2 * 2);
  EXPECT_EQ(plain["moments"]["loss"]["kv_cache"], 0);
  const json held = plan(file, {"loss.beta=0.1"});
  EXPECT_EQ(held["memory_bytes"]["reference"], 2 * parameters);
  const json ppo = plan(file, {"loss.name=ppo", "loss.beta=0"});
  const double head = 256, embedding = parameters - 0;
  // Values in bf16, sums in fp32, two moments and the rest of the master weights; its head is a row, not
  // tied.
  EXPECT_NEAR(ppo["moments"]["update"]["value_model"].get<double>(), 16.0 * (embedding + head), 1.0);
  EXPECT_TRUE(ppo["moments"].contains("value step"));
  EXPECT_EQ(plan(file, {"rollout.batch_size=8"})["moments"]["sampling"]["kv_cache"],
            sampling["kv_cache"].get<double>() / 4);
}

// As many as training makes of the same prompts.
TEST_F(RolloutPlan, StepsAreThoseOfTraining) {
  write_model("steps", 128, 2, 2);
  const std::string file = recipe("steps", "steps", rollout(8, 4) + "loss: {name: grpo, beta: 0}\n");
  const json planned = plan(file, {"run.max_steps=null", "run.epochs=1"});
  ASSERT_EQ(run({"train", file, "--quiet", "rollout.max_new_tokens=4", "run.max_steps=null", "run.epochs=1"}),
            0)
      << log();
  const json card = json::parse(tests::read_bytes(path("run_steps/run.json")));
  EXPECT_EQ(planned["steps"], card["sizes"]["steps"]);
  EXPECT_EQ(planned["tokens"], card["sizes"]["prompt_tokens"]);
}

}  // namespace
}  // namespace caravan
