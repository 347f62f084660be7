// A recipe as the program uses it: one member per section, each the options struct of the room that obeys it.
// Complete and checked once read_recipe has returned it; paths are absolute.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/data_options.h"
#include "data/loader/batch_options.h"
#include "models/model_options.h"
#include "trainer/distributed/distributed_options.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/objectives/loss_options.h"
#include "trainer/objectives/policy_loss_options.h"
#include "trainer/objectives/preference_loss_options.h"
#include "trainer/objectives/reward_loss_options.h"
#include "trainer/objectives/unpaired_loss_options.h"
#include "trainer/optim/optimizer_options.h"
#include "trainer/optim/schedule_options.h"
#include "trainer/reference/reference_options.h"
#include "trainer/rollout/reward_options.h"
#include "trainer/rollout/rollout_options.h"
#include "trainer/rollout/scorer_options.h"
#include "trainer/rollout/value_options.h"
#include "trainer/run_options.h"

namespace caravan::recipes {

// The stages that this version runs; the reader knows the names of those to come, and says so.
enum class Stage { kSft, kRm, kDpo, kKto, kRlvr };
constexpr std::array<std::string_view, 5> choice_names(Stage) {
  return {"sft", "rm", "dpo", "kto", "rlvr"};
}

struct Recipe {
  std::int64_t schema = 1;
  Stage stage = Stage::kSft;
  std::string name;
  models::ModelOptions model;
  data::DataOptions data;
  data::BatchOptions batch;
  trainer::OptimizerOptions optimizer;
  trainer::ScheduleOptions schedule;
  trainer::LossOptions loss;                         // of sft
  trainer::RewardLossOptions reward_loss;            // of rm, where it is the section `loss`
  trainer::PreferenceLossOptions preference;         // of dpo, where it is the section `loss`
  trainer::UnpairedLossOptions unpaired;             // of kto, where it is the section `loss`
  trainer::ReferenceOptions reference;               // of dpo and kto
  trainer::PolicyLossOptions policy;                 // of rlvr, where it is the section `loss`
  trainer::RolloutOptions rollout;                   // of rlvr
  trainer::RewardOptions reward;                     // of rlvr
  trainer::ScoringModelOptions reward_model;         // of rlvr
  trainer::JudgeScorerOptions judge;                 // of rlvr
  trainer::ValueOptions value;                       // of rlvr with gae
  trainer::PolicyReferenceOptions policy_reference;  // of rlvr, where it is the section `reference`
  trainer::RunOptions run;
  trainer::DistributedOptions distributed;
  trainer::EvaluationOptions evaluation;
  bool operator==(const Recipe&) const = default;

  // What the rows of this stage are.
  data::RowKind row_kind() const {
    if (stage == Stage::kSft || stage == Stage::kRlvr) return data::RowKind::kExample;
    return stage == Stage::kKto ? data::RowKind::kLabelled : data::RowKind::kPair;
  }
  // Whether each row comes with an answer to another prompt.
  bool has_mismatched() const { return stage == Stage::kKto && unpaired.has_baseline(); }
  // Documents of a row that stand in one pass together.
  std::int64_t sides() const { return row_kind() == data::RowKind::kPair || has_mismatched() ? 2 : 1; }
  // Whether a frozen model is asked about rows, before training or with each step.
  bool has_reference() const {
    return stage == Stage::kKto || (stage == Stage::kDpo && preference.needs_reference());
  }
  // Whether one stays in memory.
  bool holds_reference() const {
    if (stage == Stage::kRlvr) return policy.needs_reference();
    return has_reference() && reference.mode == trainer::ReferenceMode::kLive;
  }
  // Whether a second model is trained that says what reward is still to come.
  bool has_value_model() const {
    return stage == Stage::kRlvr && policy.settings().advantage == trainer::AdvantageEstimator::kGae;
  }
  // Of the frozen model, its checkpoint; empty: the weights that training starts from.
  const std::string& reference_path() const {
    return stage == Stage::kRlvr ? policy_reference.path : reference.path;
  }

  // Which sections there are, and what keys they have, depends on the stage, which is read before them: a key
  // of another stage is an unknown one.
  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("schema", schema, {.help = "version of this format", .required = true, .min = 1, .max = 1});
    v.field("stage", stage, {.help = "what to do with the model", .required = true});
    v.field("name", name, {.help = "a name for people; absent: none", .free_at_resume = true});
    v.section("model", model, {.help = "which checkpoint, and how it is held in memory"});
    v.section("data", data, {.help = "from rows in files to tokens with a mask"});
    v.section("batch", batch,
              {.help = "how much data one optimizer step sees; exactly one of tokens and sequences"});
    v.section("optimizer", optimizer, {.help = "how gradients change the parameters"});
    v.section("schedule", schedule, {.help = "the learning rate of each step"});
    visit_stage(v);
    v.section("run", run,
              {.help = "how long, where to, how often to save; exactly one of epochs and max_steps"});
    v.section("distributed", distributed,
              {.help = "what each rank holds, and how long ranks wait for each other"});
    v.section(
        "evaluation", evaluation,
        {.help = "loss on held-out rows and tasks, before the first step, after the last, and between"});
  }

  // The sections that are another thing in each stage.
  template <class Visitor>
  void visit_stage(Visitor& v) {
    switch (stage) {
      case Stage::kSft:
        v.section("loss", loss, {.help = "what is minimised"});
        break;
      case Stage::kRm:
        v.section("loss", reward_loss, {.help = "what is minimised, on the scores of two answers"});
        break;
      case Stage::kDpo:
        v.section("loss", preference, {.help = "what is minimised, on pairs of answers"});
        v.section("reference", reference, {.help = "the frozen model that the loss compares with"});
        break;
      case Stage::kKto:
        v.section("loss", unpaired, {.help = "what is minimised, on answers with a verdict"});
        v.section("reference", reference, {.help = "the frozen model that the loss compares with"});
        break;
      case Stage::kRlvr:
        v.section("loss", policy, {.help = "what is minimised, on completions of the model's own"});
        v.section("rollout", rollout, {.help = "how completions are sampled"});
        v.section("reward", reward, {.help = "what a completion is worth"});
        v.section("reward_model", reward_model,
                  {.help = "a model that scores completions, added to what verifiers say"});
        v.section("judge", judge,
                  {.help = "a model behind an endpoint that rates completions by four aspects, added to what "
                           "verifiers say"});
        v.section("value", value, {.help = "the value model of loss.advantage gae, as in ppo"});
        v.section("reference", policy_reference,
                  {.help = "the frozen model that a divergence is measured from"});
        break;
    }
  }
};

}  // namespace caravan::recipes
