// What `caravan plan` says beside what a run then takes: real processes, their peaks as the kernel counts
// them.
#include "tests/plan/plan_fixture.h"

namespace caravan {
namespace {

struct Case {
  const char* name;
  std::int64_t width, layers, vocabulary;
  bool tied;
  const char *dtype, *recompute;
  std::int64_t tokens, micro_tokens, ranks, shard;
  bool ordered, saves;
};

constexpr std::int64_t kFewTokens = 1024;  // the demo tokenizer has fewer

// Few parameters and much text, and the other way round; each policy, dtype and stage. Large enough that the
// code which oneDNN generates for each length of a batch, some MiB, does not decide.
constexpr Case kCases[] = {
    {"bf16", 512, 6, kFewTokens, true, "bf16", "none", 4096, 1024, 1, 0, true, true},
    {"fp32", 512, 6, kFewTokens, true, "fp32", "none", 4096, 1024, 1, 0, true, false},
    {"deep", 256, 12, kFewTokens, true, "bf16", "none", 4096, 2048, 1, 0, true, false},
    {"recompute_all", 256, 12, kFewTokens, true, "bf16", "all", 4096, 2048, 1, 0, true, true},
    {"recompute_half", 256, 12, kFewTokens, true, "bf16", "every 2 layers", 4096, 2048, 1, 0, true, false},
    {"one_micro_batch", 512, 6, 32000, true, "bf16", "none", 1024, 1024, 1, 0, false, false},
    {"untied", 512, 6, 32000, false, "bf16", "none", 2048, 1024, 1, 0, true, true},
    {"fp32_recompute", 512, 6, 32000, true, "fp32", "all", 1024, 512, 1, 0, false, false},
    {"stage_1", 512, 6, 32000, true, "bf16", "none", 2048, 512, 2, 1, true, false},
    {"stage_2", 512, 6, 32000, true, "bf16", "none", 2048, 512, 2, 2, true, true},
    {"stage_3", 512, 6, 32000, true, "bf16", "none", 2048, 512, 2, 3, true, false},
    {"stage_3_fp32", 512, 6, 32000, true, "fp32", "all", 2048, 512, 2, 3, true, false},
};

class PlanTest : public PlanFixture {
 protected:
  static void SetUpTestSuite() {
    make_demo(2000, 10);
    // Rows are tokenized once, and not by the runs that are measured.
    write({"first", 256, 2, kFewTokens, true, "bf16", "none", 4096, 1024, 1, 0, true, false});
    ASSERT_EQ(run({"plan", path("first.yaml")}), 0) << log();
  }

  static void write(const Case& c) {
    const std::string model = std::string("model_") + c.name;
    write_model(model, c.width, c.layers, 2, {{"vocab_size", c.vocabulary}, {"tie_word_embeddings", c.tied}});
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
};

TEST_F(PlanTest, PeaksOfTwelveRuns) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    write(c);
    const std::string recipe = std::string(c.name) + ".yaml", run_dir = std::string("run_") + c.name;
    const json planned = plan(recipe, {"--no-data", "--memory", "100", "--ranks", std::to_string(c.ranks)});
    const Words words{"train", path(recipe), "--quiet"};
    ASSERT_EQ(run(c.ranks > 1 ? launch_words(static_cast<int>(c.ranks), words) : words), 0) << log();
    expect_planned_peak(planned, run_dir);
    // Up to a GiB each.
    fs::remove_all(path(run_dir));
    fs::remove_all(path(std::string("model_") + c.name));
  }
}

TEST_F(PlanTest, StepsAreThoseOfTraining) {
  write({"counted", 256, 2, kFewTokens, true, "bf16", "none", 4096, 1024, 1, 0, true, false});
  const json planned = plan("counted.yaml", {"run.max_steps=null", "run.epochs=2"});
  ASSERT_EQ(run({"train", path("counted.yaml"), "--quiet", "run.epochs=2"}), 0) << log();
  const json card = json::parse(tests::read_bytes(path("run_counted/run.json")));
  EXPECT_EQ(planned["steps"], card["sizes"]["steps"]);
  EXPECT_EQ(planned["tokens"], card["sizes"]["tokens_of_all_steps"]);
  EXPECT_EQ(planned["parameters"], card["sizes"]["parameters"]);
  EXPECT_EQ(planned["epochs"], 2.0);
}

TEST_F(PlanTest, WhatCannotFitIsRefusedWithTheSmallestChange) {
  write({"large", 512, 6, 32000, true, "bf16", "none", 8192, 8192, 1, 0, true, false});
  write({"many", 512, 6, 32000, true, "bf16", "none", 2048, 256, 4, 0, true, false});
  const auto refused = [](const Words& more, const char* recipe = "large.yaml") {
    EXPECT_EQ(run(joined({"plan", path(recipe), "--no-data"}, more)), 71) << log();
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
  write({"traffic", 256, 2, kFewTokens, true, "bf16", "none", 2048, 512, 2, 3, true, false});
  const json planned = plan("traffic.yaml", {"--no-data", "--ranks", "2", "--memory", "100"});
  const double all = planned["parameters"], embedding = kFewTokens * 256, norm = 256;
  EXPECT_EQ(planned["micro_batches"], 4);
  EXPECT_NEAR(planned["sent_bytes_of_a_step"]["gradients"].get<double>(), 2.0 * 4.0 * all / 2.0, 8.0);
  EXPECT_NEAR(planned["sent_bytes_of_a_step"]["parameters"].get<double>(),
              2.0 * 2.0 * (2.0 * all - embedding - norm) / 2.0, 8.0);
}

}  // namespace
}  // namespace caravan
