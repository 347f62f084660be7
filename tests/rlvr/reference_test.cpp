// A reference that follows the policy: when, what training then sees, and that ranks, shards and stops change
// no bit of it.
#include "tests/rlvr/rlvr_run.h"

namespace caravan {
namespace {

class MovingReferenceRun : public RlvrRun {};

// A rollout feeds four steps, and the reference is the policy at the beginning of each.
TEST_F(MovingReferenceRun, AlphaOneMakesItThePolicy) {
  ASSERT_EQ(train("alpha-one", {"reference.sync_steps=4", "reference.mixup_alpha=1"}), 0) << log();
  const auto all = rows("alpha-one");
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(all.at(i).contains("reference/synced"), i % 4 == 3) << i;
    if (i % 4 == 0)
      EXPECT_EQ(all[i].at("train/kl"), 0.0) << i;
    else
      EXPECT_GT(all[i].at("train/kl"), 0.0) << i;
  }
  const auto kept = rollout("alpha-one", 4);
  EXPECT_EQ(kept.at(0).at("reference_log_probs"), kept[0].at("log_probs"));
}

TEST_F(MovingReferenceRun, HalfWayIsNearerThanStaying) {
  ASSERT_EQ(train("stays"), 0) << log();
  ASSERT_EQ(train("half", {"reference.sync_steps=4", "reference.mixup_alpha=0.5"}), 0) << log();
  const double stays = rows("stays").at(4).at("train/kl"), half = rows("half").at(4).at("train/kl");
  EXPECT_GT(half, 0.05 * stays);
  EXPECT_LT(half, 0.7 * stays);
  // Before the first time nothing is other.
  EXPECT_EQ(rows("half").at(3).at("train/loss"), rows("stays").at(3).at("train/loss"));
}

// 3 does not divide a rollout: what it is compared with was asked before the reference moved.
TEST_F(MovingReferenceRun, RanksShardsAndStopsChangeNothing) {
  for (const std::string dtype : {"fp32", "bf16"}) {
    const Words keys{"model.dtype=" + dtype, "reference.sync_steps=3", "reference.mixup_alpha=0.3"};
    const std::string whole = "whole-" + dtype;
    ASSERT_EQ(train(whole, keys), 0) << log();
    for (const auto& [ranks, shard] : std::vector<std::pair<int, int>>{{2, 0}, {2, 2}, {3, 3}}) {
      const std::string name = whole + "-" + std::to_string(ranks) + "-" + std::to_string(shard);
      const Words more = joined(keys, {"distributed.shard=" + std::to_string(shard)});
      ASSERT_EQ(launch(ranks, name, more), 0) << log();
      expect_same(whole, name);
    }
    for (const std::size_t lines : {4u, 10u}) {
      const std::string name = whole + "-killed-" + std::to_string(lines);
      ASSERT_EQ(run_until([&] { return rows(name).size() >= lines; }, SIGKILL, train_words(name, keys)),
                -SIGKILL);
      ASSERT_EQ(train(name, keys), 0) << log();
      expect_same(whole, name);
    }
  }
}

TEST_F(MovingReferenceRun, RefusedWhereThereIsNone) {
  const auto refused = [](const Words& keys, const std::string& text) {
    EXPECT_EQ(train("refused", keys), 2) << log();
    EXPECT_NE(log().find(text), std::string::npos) << log();
  };
  refused({"loss.beta=0", "reference.sync_steps=4"}, "reference.sync_steps has no effect with loss.beta 0");
  refused({"reference.mixup_alpha=0.5"}, "reference.mixup_alpha has no effect without reference.sync_steps");
  refused({"reference.sync_steps=4", "reference.mixup_alpha=0"}, "reference.mixup_alpha");
  refused({"reference.sync_steps=0"}, "reference.sync_steps");
  // Of a cached one nothing is there that could move.
  dir_->write("dpo.yaml",
              "schema: 1\nstage: dpo\nmodel: {path: demo, init: random}\ndata: {sources: [{path: "
              "prompts.jsonl}]}\nbatch: {sequences: 8}\noptimizer: {learning_rate: 1e-3}\nreference: "
              "{sync_steps: 4}\nrun: {dir: unset, max_steps: 2}\n");
  EXPECT_EQ(run({"train", path("dpo.yaml"), "--quiet"}), 2);
  EXPECT_NE(log().find("reference.sync_steps"), std::string::npos) << log();
}

}  // namespace
}  // namespace caravan
