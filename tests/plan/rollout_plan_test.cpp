// What `caravan plan` says of a stage that samples, beside what its runs take: value model, reference, reward
// model, keys and values.
#include "tests/plan/plan_fixture.h"

namespace caravan {
namespace {

class RolloutPlan : public PlanFixture {
 protected:
  static void SetUpTestSuite() {
    make_demo(200, 4);
    // No token ends a completion: keys and values of the longest are there, as the plan counts them.
    for (const char* name : {"demo/config.json", "demo/generation_config.json"}) {
      json config = json::parse(tests::read_bytes(path(name)));
      ASSERT_EQ(config.erase("eos_token_id"), 1u) << name;
      dir_->write(name, config.dump());
    }
    std::string rows;
    for (int i = 0; i < 200; ++i) {
      const std::string question = "What is " + std::to_string(i) + " plus " + std::to_string(200 - i) + "?";
      rows += json{{"messages", json::array({{{"role", "user"}, {"content", question}}})},
                   {"dataset", "regex"},
                   {"ground_truth", "[0-2]"}}
                  .dump() +
              "\n";
    }
    dir_->write("prompts.jsonl", rows);
  }

  static std::string recipe(const std::string& name, const std::string& model, const std::string& keys) {
    dir_->write(name + ".yaml",
                "schema: 1\nstage: rlvr\nmodel: {path: " + model +
                    ", init: random, dtype: bf16}\ndata: {sources: [{path: prompts.jsonl}], " +
                    "max_length: 192 tokens}\nbatch: {sequences: 32, micro_tokens: 1024}\n" +
                    "optimizer: {learning_rate: 1.0e-4}\nschedule: {name: constant, warmup: 0 %}\n" + keys +
                    "run: {dir: " + path("run_" + name) + ", max_steps: 2, seed: 5, threads: 2}\n");
    return name + ".yaml";
  }
  static json plan(const std::string& recipe, const Words& more = {}) {
    return PlanFixture::plan(recipe, joined({"--memory", "100"}, more));
  }
  static std::string rollout(int prompts, int completions) {
    return "rollout: {prompts: " + std::to_string(prompts) + ", completions: " + std::to_string(completions) +
           ", max_new_tokens: 160, batch_size: " + std::to_string(prompts * completions) + ", tries: 50}\n";
  }
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
    ASSERT_EQ(run({"train", path(file), "--quiet", step}), 0) << log();
    expect_planned_peak(planned, "run_" + name);
    fs::remove_all(path("run_" + name));
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

// Scorers that are not here yet are planned by their config alone, and by no other than the one that is
// named.
TEST_F(RolloutPlan, ScorersByTheirConfig) {
  write_model("policy", 256, 2, 2);
  write_model("scorer", 512, 2, 2);
  const std::string file = recipe("scored", "policy", rollout(8, 4) + "loss: {name: ppo}\n");
  const Words missing{"value.path=" + path("nowhere"), "reward_model.path=" + path("nowhere")};
  const auto held = [&](const std::string& scorer) {
    const json planned =
        plan(file, joined(missing, {"--no-data", "--scorer-config", path(scorer + "/config.json")}));
    return std::pair{planned["moments"]["update"]["value_model"].get<double>(),
                     planned["memory_bytes"]["reward_model"].get<double>()};
  };
  const auto [small_value, small_reward] = held("policy");
  const auto [large_value, large_reward] = held("scorer");
  const json own = plan(file, {"--no-data"});
  EXPECT_EQ(small_value, own["moments"]["update"]["value_model"].get<double>());
  const double policy = own["parameters"],
               scorer = plan(file, {"--no-data", "model.path=" + path("scorer")})["parameters"];
  // Frozen, in bf16, with a head of a row; a trained one holds 16 bytes of each.
  EXPECT_EQ(small_reward, 2 * (policy + 256));
  EXPECT_EQ(large_reward, 2 * (scorer + 512));
  EXPECT_NEAR(large_value, 16 * (scorer + 512), 1.0);
  EXPECT_EQ(run(joined({"plan", path(file), "--no-data", "--json"}, missing)), 2) << log();
}

// As many as training makes of the same prompts.
TEST_F(RolloutPlan, StepsAreThoseOfTraining) {
  write_model("steps", 128, 2, 2);
  const std::string file = recipe("steps", "steps", rollout(8, 4) + "loss: {name: grpo, beta: 0}\n");
  const json planned = plan(file, {"run.max_steps=null", "run.epochs=1"});
  ASSERT_EQ(
      run({"train", path(file), "--quiet", "rollout.max_new_tokens=4", "run.max_steps=null", "run.epochs=1"}),
      0)
      << log();
  const json card = json::parse(tests::read_bytes(path("run_steps/run.json")));
  EXPECT_EQ(planned["steps"], card["sizes"]["steps"]);
  EXPECT_EQ(planned["tokens"], card["sizes"]["prompt_tokens"]);
}

}  // namespace
}  // namespace caravan
