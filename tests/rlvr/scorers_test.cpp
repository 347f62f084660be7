// Rewards beside verifiers: a reward model's score, a judge behind a real server; weighted sums, what cannot
// be scored, what is asked twice, ranks and stops.
#include <chrono>
#include <set>

#include "tests/rlvr/rlvr_run.h"
#include "tests/support/server.h"

namespace caravan {
namespace {

class ScorersRun : public RlvrRun {
 protected:
  static void SetUpTestSuite() {
    RlvrRun::SetUpTestSuite();
    std::string pairs;
    for (const json& question : questions())
      pairs += json{{"prompt", question["content"]},
                    {"chosen", "It is " + std::to_string(pairs.size())},
                    {"rejected", "no idea"}}
                   .dump() +
               "\n";
    dir_->write("pairs.jsonl", pairs);
    dir_->write("rm.yaml",
                "schema: 1\nstage: rm\nmodel: {path: demo, init: random, dtype: fp32}\n"
                "data: {sources: [{path: pairs.jsonl}], max_length: 256 tokens}\nbatch: {sequences: 8}\n"
                "optimizer: {learning_rate: 1.0e-3}\nrun: {dir: " +
                    path("rm") + ", max_steps: 4, seed: 9}\n");
    ASSERT_EQ(run({"train", path("rm.yaml"), "--quiet"}), 0) << log();
    reward_model_ = "reward_model.path=" + path("rm/final");
  }

  static Words judged(const tests::Server& server, const Words& more = {},
                      const std::string& model = "judge") {
    return joined(
        {"judge.url=" + server.url(), "judge.model=" + model, "judge.honesty=none", "judge.truthfulness=none",
         "judge.helpfulness=none", "judge.backoff_seconds=0.01",
         "judge.instruction_following=" + path("rate.txt"), "judge.rating_attempts=1", "judge.attempts=2"},
        more);
  }
  // The judge of the tests rates by the number after "quality", here of the words it is asked with.
  static void rate_by(const std::string& words) {
    dir_->write("rate.txt", "{prompt}\n{answers}\n" + words + "\n");
  }
  static const json& score(const json& row, const std::string& scorer) {
    for (const json& one : row.at("scores"))
      if (one.at("scorer") == scorer) return one;
    throw std::out_of_range("no score of " + scorer);
  }

  static inline std::string reward_model_;
};

TEST_F(ScorersRun, ARewardModelAddsItsScoreWeighted) {
  const Words keys{reward_model_, "reward_model.weight=0.5", "reward.verification_reward=2"};
  ASSERT_EQ(train("modelled", keys), 0) << log();
  double spread = 0.0;
  const auto kept = rollout("modelled", 4);
  ASSERT_EQ(kept.size(), 16u);
  for (const json& row : kept) {
    const double found = score(row, "reward_model").at("score");
    const double verified = row.at("verdicts")[0].at("verdict") == "right" ? 2.0 : 0.0;
    EXPECT_EQ(row.at("reward").get<double>(), verified + 0.5 * found);
    spread = std::max(spread, std::abs(found - score(kept[0], "reward_model").at("score").get<double>()));
  }
  EXPECT_GT(spread, 0.0);
  EXPECT_TRUE(rows("modelled").at(0).contains("rollout/score/reward_model"));
  EXPECT_EQ(rows("modelled").at(0).at("rollout/no_score/reward_model"), 0.0);
  for (const std::string shard : {"0", "3"}) {
    const std::string name = "modelled-" + shard;
    ASSERT_EQ(launch(2, name, joined(keys, {"distributed.shard=" + shard})), 0) << log();
    expect_same("modelled", name);
  }
}

// Prompts without a truth: reinforcement learning from a reward model alone, as PPO was first used.
TEST_F(ScorersRun, NoVerifierAtAll) {
  std::string prompts;
  for (const json& question : questions())
    prompts += json{{"messages", json::array({question})}}.dump() + "\n";
  dir_->write("plain.jsonl", prompts);
  ASSERT_EQ(
      train("plain", {reward_model_, "reward.verifier=none", "data.sources.0.path=" + path("plain.jsonl"),
                      "run.max_steps=4", "loss.name=ppo", "value.path=" + path("rm/final")}),
      0)
      << log();
  for (const json& row : rollout("plain", 0)) {
    EXPECT_TRUE(row.at("verdicts").empty());
    EXPECT_EQ(row.at("reward"), score(row, "reward_model").at("score"));
  }
}

TEST_F(ScorersRun, AJudgeIsAskedOnceAndForAll) {
  rate_by("quality 4");
  const tests::Server server;
  const Words keys = judged(server, {"judge.weight=2", "judge.max_requests=5000"});
  ASSERT_EQ(train("judged", keys), 0) << log();
  const std::size_t asked = server.num_asked();
  for (const json& row : rollout("judged", 4)) {
    const double verified = row.at("verdicts")[0].at("score");
    EXPECT_EQ(score(row, "judge").at("score"), 0.75);
    EXPECT_EQ(row.at("reward"), verified + 1.5);
  }
  EXPECT_EQ(rows("judged").at(0).at("rollout/score/judge"), 0.75);
  // One request for each completion that differs, from one rank of two.
  std::set<std::string> texts;
  for (const int step : {0, 4, 8})
    for (const json& row : rollout("judged", step))
      texts.insert(row.at("prompt").get<std::string>() + row.at("completion").get<std::string>());
  EXPECT_EQ(asked, texts.size());
  ASSERT_EQ(launch(2, "judged-2", keys), 0) << log();
  EXPECT_EQ(server.num_asked(), 2 * asked);
  expect_same("judged", "judged-2");
}

// Answers that no rule can check, and a reference answer of each row: the judge of the tests rates by what it
// is shown of that.
TEST_F(ScorersRun, AJudgeThatComparesIsShownTheGroundTruth) {
  std::string prompts;
  int truth = 2;
  for (const json& question : questions()) {
    prompts += json{{"messages", json::array({question})}, {"ground_truth", truth}}.dump() + "\n";
    truth = 7 - truth;
  }
  dir_->write("compared.jsonl", prompts);
  rate_by("quality {ground_truth}");
  const tests::Server server;
  // All completions of a prompt have one rating: what is longer than asked makes the difference.
  const Words keys = judged(server, {"reward.verifier=none", "data.sources.0.path=" + path("compared.jsonl"),
                                     "reward.overlong_cache=8", "run.max_steps=4"});
  ASSERT_EQ(train("compared", keys), 0) << log();
  std::set<double> seen;
  for (const json& row : rollout("compared", 0)) seen.insert(score(row, "judge").at("score").get<double>());
  EXPECT_EQ(seen, (std::set<double>{0.25, 1.0}));
}

TEST_F(ScorersRun, KilledWhileItIsJudgedNothingIsAskedTwice) {
  rate_by("quality 2");
  const tests::Server server;
  const auto keys = judged(server);
  ASSERT_EQ(train("whole-judged", keys), 0) << log();
  const std::size_t asked = server.num_asked();
  const auto is_judged = [&] { return server.num_asked() > asked + 20; };
  ASSERT_EQ(run_until(is_judged, SIGKILL, train_words("killed-judged", keys)), -SIGKILL);
  ASSERT_EQ(train("killed-judged", keys), 0) << log();
  expect_same("whole-judged", "killed-judged");
  // What was under way when it was killed may be asked again; no answer that had come is.
  EXPECT_LE(server.num_asked(), 2 * asked + 16);
}

TEST_F(ScorersRun, WhoCannotBeJudgedTeachesNothing) {
  rate_by("unreadable");
  const tests::Server server;
  // A completion that the verifier finds wrong is judged as well; none can be.
  EXPECT_EQ(train("unreadable", judged(server, {"rollout.tries=2"})), 65) << log();
  EXPECT_NE(log().find("100 % could not be judged"), std::string::npos) << log();
  EXPECT_EQ(rollout_kept("unreadable"), 0u);
}

TEST_F(ScorersRun, ABudgetStopsItAndMoreOfItGoesOn) {
  rate_by("quality 5");
  const tests::Server server;
  ASSERT_EQ(train("paid", judged(server)), 0) << log();
  ASSERT_EQ(train("poor", judged(server, {"judge.max_requests=40"})), 75) << log();
  const std::string told = tests::read_bytes(path("poor") + "/log.txt");
  EXPECT_NE(told.find("max_requests"), std::string::npos) << told;
  EXPECT_GT(rows("poor").size(), 0u);
  EXPECT_EQ(rows("poor").size() % 4, 0u);
  ASSERT_EQ(train("poor", judged(server, {"judge.max_requests=500"})), 0) << log();
  expect_same("paid", "poor");
}

// One rank waits for the judge, the others for it: nobody is lost, nor where it is stopped meanwhile.
TEST_F(ScorersRun, AJudgeSlowerThanRanksWaitForEachOther) {
  rate_by("quality 4");
  const tests::Server server;
  const Words keys{"run.max_steps=4", "distributed.timeout=3 seconds"};
  ASSERT_EQ(launch(2, "quick", judged(server, keys)), 0) << log();
  const Words slow = judged(server, keys, "judge_after_6");
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(launch(2, "slow", slow), 0) << log();
  EXPECT_GT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(6));
  const auto expect_same_rollout = [](const std::string& name) {
    EXPECT_EQ(json(rows("quick")).dump(1), json(rows(name)).dump(1)) << name;
    EXPECT_EQ(json(rollout("quick", 0)), json(rollout(name, 0))) << name;
    EXPECT_TRUE(final_bytes("quick") == final_bytes(name)) << name;
  };
  expect_same_rollout("slow");
  const std::size_t asked = server.num_asked();
  const Words stopped = launch_words(2, train_words("slow-stopped", slow));
  ASSERT_EQ(run_until([&] { return server.num_asked() > asked; }, SIGTERM, stopped), 75) << log();
  ASSERT_EQ(launch(2, "slow-stopped", slow), 0) << log();
  expect_same_rollout("slow-stopped");
}

// Words that a run began with: with others the same completion would have another reward.
TEST_F(ScorersRun, WhatDecidesScoresMayNotChangeMeanwhile) {
  const auto show_by = [](const std::string& mark) {
    dir_->write("shown.jinja", "{% for message in messages %}" + mark +
                                   "{{ message.role }}: {{ message.content }}\n{% endfor %}");
  };
  rate_by("quality 5");
  show_by("# ");
  const tests::Server server;
  const auto keys = [&](int most) {
    return judged(server, {reward_model_, "reward_model.chat_template=" + path("shown.jinja"),
                           "judge.max_requests=" + std::to_string(most)});
  };
  ASSERT_EQ(train("reworded", keys(40)), 75) << log();
  ASSERT_GT(rows("reworded").size(), 0u);
  const auto expect_refused = [&](const std::string& name) {
    EXPECT_EQ(train("reworded", keys(40)), 77) << log();
    EXPECT_NE(log().find("\n  " + name + ": before"), std::string::npos) << log();
  };
  rate_by("quality 1");
  expect_refused("judge.instruction_following:" + path("rate.txt"));
  rate_by("quality 5");
  show_by("## ");
  expect_refused("reward_model.chat_template:" + path("shown.jinja"));
  show_by("# ");
  const std::string tokens = tests::read_bytes(path("rm/final/tokenizer_config.json"));
  dir_->write("rm/final/tokenizer_config.json", tokens + "\n");
  expect_refused("reward_model:tokenizer_config.json");
  dir_->write("rm/final/tokenizer_config.json", tokens);
  EXPECT_EQ(train("reworded", keys(500)), 0) << log();
}

TEST_F(ScorersRun, AServerThatIsGoneEndsTheRunBetweenSteps) {
  rate_by("quality 3");
  auto server = std::make_unique<tests::Server>();
  const auto keys = judged(*server, {"judge.connect_timeout_seconds=1", "run.max_steps=4000"});
  tests::Program program = start(train_words("gone", keys));
  ASSERT_TRUE(program.wait_until([&] { return rows("gone").size() >= 2; })) << program.output();
  server->kill();
  EXPECT_EQ(program.wait(), 74) << program.output();
  const std::size_t done = rows("gone").size();
  EXPECT_EQ(done % 4, 0u) << "it ended where it samples";
  char saved[60];
  std::snprintf(saved, sizeof saved, "/checkpoints/step-%08zu/manifest.json", done);
  EXPECT_TRUE(fs::exists(path("gone") + saved)) << saved;
}

TEST_F(ScorersRun, WhatIsMissingIsRefusedBeforeTheFirstStep) {
  const auto refused = [](const Words& keys, int code, const std::string& text) {
    EXPECT_EQ(train("refused", keys), code) << log();
    EXPECT_NE(log().find(text), std::string::npos) << log();
    fs::remove_all(path("refused"));
  };
  refused({"reward.verifier=none"}, 2, "nobody else scores completions");
  refused({"judge.model=x"}, 2, "judge.url is missing");
  refused({"judge.url=http://127.0.0.1:1/v1"}, 2, "judge.model is missing");
  refused({"judge.url=ftp://x", "judge.model=x"}, 2, "http");
  refused({"judge.url=http://127.0.0.1:1/v1", "judge.model=x", "judge.honesty=" + path("none.txt")}, 74,
          "none.txt");
  refused({"reward_model.weight=2"}, 2, "reward_model.path is missing");
  refused({"reward_model.path=" + path("demo")}, 2, "reward_model.path");
  refused({"reward_model.path=" + path("nowhere")}, 2, "no folder");
}

}  // namespace
}  // namespace caravan
