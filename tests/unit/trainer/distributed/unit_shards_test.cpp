// The equality that sharding must keep: however a step is cut, its losses, norms and weights are the same.
#include "trainer/distributed/unit_shards.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <mutex>

#include "tests/support/temp_dir.h"
#include "tests/support/thread_ranks.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/checkpoint/checkpoint_writer.h"
#include "trainer/evaluation/loss_evaluator.h"
#include "trainer/objectives/sft.h"
#include "trainer/trainer.h"

namespace caravan::trainer {
namespace {

const std::vector<std::size_t> kLengths = {9, 30, 4, 17, 25, 12, 6, 21, 14};

struct Setting {
  int ranks = 1;
  std::int64_t stage = 0;
  bool ordered = true;
  std::int64_t recompute_every = 0;
  at::ScalarType dtype = at::kFloat;
  bool tied = true;
};

std::string name_of(const Setting& s) {
  return std::to_string(s.ranks) + " ranks, stage " + std::to_string(s.stage) +
         (s.ordered ? ", ordered" : "") + ", recompute " + std::to_string(s.recompute_every) +
         (s.tied ? "" : ", untied") + (s.dtype == at::kFloat ? "" : ", bf16");
}

// What training leaves: numbers of each step, and all weights.
struct Outcome {
  std::vector<double> losses, norms, evaluations;
  std::map<std::string, at::Tensor> weights;
};

// Steps of three, two, one and five micro-batches.
std::vector<std::vector<data::MicroBatch>> steps() {
  std::vector<std::vector<data::MicroBatch>> all{
      packed(kLengths, {{0, 1}, {2, 3}, {4}}), packed(kLengths, {{5, 6}, {7, 8}}),
      packed(kLengths, {{8, 0, 2}}), packed(kLengths, {{1}, {4}, {5}, {0, 2}, {3, 6}})};
  return all;
}

models::LlamaConfig config_of(const Setting& setting) {
  models::LlamaConfig config = tiny_config(3);
  config.tie_word_embeddings = setting.tied;
  return config;
}

TrainerOptions trainer_options(const Setting& setting) {
  TrainerOptions options;
  options.optimizer.learning_rate = 1e-2;
  options.optimizer.weight_decay = 0.1;
  options.optimizer.max_grad_norm = 0.5;
  options.recompute_every = setting.recompute_every;
  options.neftune_noise_alpha = 5.0;
  return options;
}

struct Training {
  Training(const Setting& setting, ProcessGroup& group)
      : model(config_of(setting), setting.dtype, at::kCPU,
              UnitShards::memory_of(setting.stage, group.size())),
        units(model, group, {.stage = setting.stage, .ordered = setting.ordered}),
        source(steps()),
        held_out({packed(kLengths, {{1, 2}}), packed(kLengths, {{3}}), packed(kLengths, {{4}})}),
        trainer(trainer_options(setting), units, objective, source) {
    for (std::size_t unit = 0; unit < units.num_units(); ++unit)
      units.fill(unit, [&](std::size_t u) { model.initialize_unit(u, 7); });
  }

  // Up to this step.
  Outcome run(std::int64_t last) {
    Outcome outcome;
    while (trainer.steps_done() < last) {
      const auto values = trainer.train_step();
      outcome.losses.push_back(value_of(values, "train/loss"));
      outcome.norms.push_back(value_of(values, "train/grad_norm"));
      outcome.evaluations.push_back(value_of(evaluate_loss(trainer, objective, held_out), "eval/loss"));
    }
    for (std::size_t unit = 0; unit < units.num_units(); ++unit) {
      units.need_values(unit);
      for (const models::Slot& slot : model.units()[unit].slots())
        outcome.weights[slot.name] = model.units()[unit].value(slot).clone();
      units.release_values(unit);
    }
    return outcome;
  }

  models::Llama model;
  UnitShards units;
  SftObjective objective{LossOptions{}};
  FixedBatches source, held_out;
  Trainer trainer;
};

Outcome train(const Setting& setting, ProcessGroup& group) {
  return Training(setting, group).run(4);
}

// Of every rank.
std::vector<Outcome> outcomes(const Setting& setting) {
  if (setting.ranks == 1) return {train(setting, *make_single_group())};
  std::vector<Outcome> all(static_cast<std::size_t>(setting.ranks));
  tests::ThreadRanks ranks;
  ranks.run(setting.ranks, [&](ProcessGroup& group) {
    at::set_num_threads(1);
    all[static_cast<std::size_t>(group.rank())] = train(setting, group);
    group.finish();
  });
  for (const std::string& error : ranks.errors) EXPECT_EQ(error, "");
  return all;
}

void expect_same_bits(const Outcome& found, const Outcome& wanted, const std::string& where) {
  EXPECT_EQ(found.losses, wanted.losses) << where;
  EXPECT_EQ(found.norms, wanted.norms) << where;
  EXPECT_EQ(found.evaluations, wanted.evaluations) << where;
  ASSERT_EQ(found.weights.size(), wanted.weights.size()) << where;
  for (const auto& [name, weight] : wanted.weights)
    EXPECT_TRUE(at::equal(found.weights.at(name), weight)) << where << ": " << name;
}

// Largest difference of a tensor in parts of its largest element.
double relative_difference(const at::Tensor& found, const at::Tensor& wanted) {
  const at::Tensor exact = wanted.to(at::kDouble);
  return ((found.to(at::kDouble) - exact).abs().max() / exact.abs().max()).item<double>();
}

class UnitShardsTest : public testing::Test {
 protected:
  void SetUp() override { at::set_num_threads(1); }
};

TEST_F(UnitShardsTest, OrderedSumsHaveTheSameBitsForAnyNumberOfRanksAndEveryStage) {
  const Outcome one = outcomes({})[0];
  for (const int ranks : {2, 4})
    for (std::int64_t stage = 0; stage <= 3; ++stage) {
      const Setting setting{.ranks = ranks, .stage = stage};
      for (const Outcome& outcome : outcomes(setting)) expect_same_bits(outcome, one, name_of(setting));
    }
}

TEST_F(UnitShardsTest, OrderedSumsHaveTheSameBitsInBf16WithoutTiesAndWithActivationsComputedAgain) {
  for (Setting setting :
       {Setting{.dtype = at::kBFloat16}, Setting{.tied = false}, Setting{.recompute_every = 1}}) {
    const Outcome one = outcomes(setting)[0];
    setting.ranks = 2;
    for (std::int64_t stage = 0; stage <= 3; ++stage) {
      setting.stage = stage;
      for (const Outcome& outcome : outcomes(setting)) expect_same_bits(outcome, one, name_of(setting));
    }
  }
}

TEST_F(UnitShardsTest, SumsInAnyOrderAreEqualButForRounding) {
  const Outcome one = outcomes({})[0];
  for (const int ranks : {1, 2, 4})
    for (std::int64_t stage = 0; stage <= 3; ++stage) {
      const Setting setting{.ranks = ranks, .stage = stage, .ordered = false};
      for (const Outcome& outcome : outcomes(setting)) {
        for (std::size_t i = 0; i < one.losses.size(); ++i) {
          EXPECT_NEAR(outcome.losses[i], one.losses[i], 1e-6 * one.losses[i]) << name_of(setting);
          EXPECT_NEAR(outcome.norms[i], one.norms[i], 1e-5 * one.norms[i]) << name_of(setting);
        }
        for (const auto& [name, weight] : one.weights)
          EXPECT_LT(relative_difference(outcome.weights.at(name), weight), 1e-5) << name_of(setting) << name;
      }
    }
}

TEST_F(UnitShardsTest, StageThreeHoldsValuesOnlyInAUnitsTurn) {
  tests::ThreadRanks ranks;
  ranks.run(2, [&](ProcessGroup& group) {
    models::Llama model(tiny_config(2), at::kFloat, at::kCPU, UnitShards::memory_of(3, group.size()));
    UnitShards units(model, group, {.stage = 3});
    for (std::size_t unit = 0; unit < units.num_units(); ++unit) {
      EXPECT_FALSE(model.units()[unit].has_values());
      EXPECT_EQ(units.own_values(unit).numel() * 2, model.units()[unit].size());
      units.need_values(unit);
      EXPECT_TRUE(model.units()[unit].has_values());
      units.release_values(unit);
      EXPECT_FALSE(model.units()[unit].has_values());
    }
    group.finish();
  });
  for (const std::string& error : ranks.errors) EXPECT_EQ(error, "");
}

// Two steps by some ranks, a checkpoint, and the rest by others.
Outcome train_in_two_parts(const Setting& first, const Setting& second) {
  const tests::TempDir dir;
  Outcome outcome;
  std::mutex mutex;
  const auto part = [&](const Setting& setting, bool resumed) {
    const auto body = [&](ProcessGroup& group) {
      at::set_num_threads(1);
      Training training(setting, group);
      CheckpointWriter writer(dir.path(), 0, group);
      if (resumed) {
        const auto found =
            newest_checkpoint(dir.path(), group, [](const std::string& note) { ADD_FAILURE() << note; });
        ASSERT_TRUE(found);
        EXPECT_EQ(found->step, 2);
        restore(*found, training.trainer.optimizer().state());
        training.trainer.optimizer().state_restored();
        training.trainer.set_steps_done(2);
        const Outcome rest = training.run(4);
        const std::lock_guard lock(mutex);
        outcome.weights = rest.weights;
        return;
      }
      training.run(2);
      CheckpointContent content;
      content.step = 2;
      content.state = training.trainer.optimizer().state();
      writer.begin(content);
      EXPECT_EQ(writer.finish()->step, 2);
    };
    if (setting.ranks == 1) return body(*make_single_group());
    tests::ThreadRanks ranks;
    ranks.run(setting.ranks, [&](ProcessGroup& group) {
      body(group);
      group.finish();
    });
    for (const std::string& error : ranks.errors) EXPECT_EQ(error, "");
  };
  part(first, false);
  part(second, true);
  return outcome;
}

TEST_F(UnitShardsTest, ACheckpointIsGoneOnFromByAnotherNumberOfRanksAndAnotherStage) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const Outcome whole = outcomes({.dtype = dtype})[0];
    const Setting one{.dtype = dtype}, two{.ranks = 2, .stage = 1, .dtype = dtype},
        three{.ranks = 3, .stage = 3, .dtype = dtype}, four{.ranks = 4, .stage = 0, .dtype = dtype};
    for (const auto& [first, second] : {std::pair(one, three), std::pair(three, two), std::pair(two, four),
                                        std::pair(four, one), std::pair(three, one)}) {
      const Outcome found = train_in_two_parts(first, second);
      for (const auto& [name, weight] : whole.weights)
        EXPECT_TRUE(at::equal(found.weights.at(name), weight))
            << name_of(first) << ", then " << name_of(second) << ": " << name;
    }
  }
}

}  // namespace
}  // namespace caravan::trainer
