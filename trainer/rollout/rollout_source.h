// Batches of completions that the policy just sampled: rollouts as the source of the one training loop.
//
// A rollout answers `prompts` prompts with `completions` completions each, has them judged, and feeds
// passes * prompts * completions / sequences optimizer steps. The first of these samples; so what a batch
// holds depends on the weights, and only what a stopped run needs is kept: every rollout with its ids,
// log-probabilities and verdicts in rollouts/step-N.jsonl.zst, N the steps done before it. Resuming in the
// middle of a rollout reads it back; resuming while it is sampled samples the rest.
//
// Promise: the same bits for any number of ranks, for any batch_size, stopped or not. Completions that nobody
// could judge give no gradient and are counted.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/loader/prompt_set.h"
#include "trainer/batch_source.h"
#include "trainer/error.h"
#include "trainer/evaluation/sample_store.h"
#include "trainer/metrics/metric.h"
#include "trainer/objective.h"
#include "trainer/rollout/first_rank_scorer.h"
#include "trainer/rollout/reward_scorer.h"
#include "trainer/rollout/rollout_advantages.h"
#include "trainer/rollout/rollout_figures.h"
#include "trainer/rollout/rollout_options.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

struct RolloutSettings {
  RolloutOptions rollout;
  PolicySettings policy;
  std::int64_t sequences = 0;     // completions in an optimizer step
  std::int64_t micro_tokens = 0;  // most tokens in one pass
  std::int64_t num_steps = 0;
  std::uint64_t seed = 0;
  bool shuffle = true;
  std::filesystem::path folder = {};        // of the kept rollouts
  std::vector<std::int64_t> stop_ids = {};  // end a completion
};

// There is nothing left to learn from, or nothing yet.
struct NothingToLearn : BetweenSteps {
  explicit NothingToLearn(const std::string& what) : BetweenSteps(Kind::kData, what) {}
};

// Optimizer steps that one rollout feeds. Throws Error (usage) where sequences does not divide its
// completions.
std::int64_t steps_of_rollout(const RolloutOptions& rollout, std::int64_t sequences);

// Who is asked about each completion beside the policy; empty where nobody needs it.
struct OtherModels {
  AskModel reference = {};  // for log-probabilities
  AskModel values = {};     // a model with a head of scores
};

struct RolloutEvents {
  std::function<void(const std::string&)> warn;  // an alarm, for people
  std::function<void(const std::string&)> tell;  // what it is doing; "" when it is done
  std::function<bool()> wants_stop = {};         // asked while it samples, by each rank for itself
};

class RolloutSource final : public BatchSource {
 public:
  // All must outlive the source.
  RolloutSource(RolloutSettings settings, const data::PromptSet& prompts, const data::Tokenizer& tokenizer,
                const RewardScorer& rewards, UnitShards& policy, OtherModels others, RolloutEvents events);

  std::int64_t num_steps() const override { return settings_.num_steps; }
  // Collective. Throws Error (stopped) where a stop was requested while it sampled: what is there is kept;
  // NothingToLearn where `tries` draws of prompts gave no rewards that differ; BetweenSteps where nobody can
  // be asked for scores.
  std::vector<data::MicroBatch> micro_batches(std::int64_t step) override;
  double epochs_after(std::int64_t step) const override;
  std::string name_of(const data::SourceLine& where) const override { return prompts_.name_of(where); }

  // What a checkpoint keeps, and how a run goes on from it: files of later rollouts are removed.
  nlohmann::json progress() const;
  void restore(const nlohmann::json& progress, std::int64_t steps_done);
  // Of the rollout that was made since the last call; empty where none was.
  std::vector<MetricValue> take_metrics() { return std::exchange(metrics_, {}); }

 private:
  struct Draw;
  std::int64_t per_rollout() const { return steps_of_rollout(settings_.rollout, settings_.sequences); }
  void make_rollout(std::int64_t first_step);
  void draw(SampleStore& store, Draw& drawn);
  void add_scores(std::uint64_t begin, std::int64_t count, SampleStore& store);
  void take_groups(const SampleStore& store, std::uint64_t begin, std::int64_t count, Draw& drawn);
  void complete(std::int64_t first_step, SampleStore& store, Draw& drawn);
  void fill(std::vector<float> Trajectory::*member, const char* key, const AskModel& model,
            const Answer& answer, Draw& drawn);
  void report(const Draw& drawn, double seconds);
  std::vector<data::MicroBatch> pack(const std::vector<const Trajectory*>& trajectories) const;
  [[noreturn]] void give_up(const Draw& drawn) const;

  RolloutSettings settings_;
  const data::PromptSet& prompts_;
  const data::Tokenizer& tokenizer_;
  const RewardScorer& rewards_;
  UnitShards& policy_;
  OtherModels others_;
  SegmentedPass pass_;  // of the policy, asked as it is
  RolloutEvents events_;

  std::optional<std::int64_t> first_step_ = {};  // of the rollout that is there
  std::vector<Trajectory> usable_;               // of it, what gives a gradient
  std::uint64_t taken_before_ = 0, taken_ = 0;   // prompts, before and after it
  bool must_be_kept_ = false;  // the next rollout was begun to be trained on: it cannot be made again
  std::optional<RolloutFigures> first_figures_ = {}, last_figures_ = {};
  std::vector<MetricValue> metrics_;
};

}  // namespace caravan::trainer
