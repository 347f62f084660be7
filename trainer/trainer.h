// The one loop. SFT, DPO and RLVR differ in their Objective and BatchSource, not here.
//
// Code above the line in train_step computes, below it reports. The global count a loss is divided by is
// known before the first backward, so that gradients do not depend on how a step is split. A number that is
// not finite stops the step before the update. Every rank runs the same loop: micro-batches are dealt to them
// in their global order, and all numbers told are those of all ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "trainer/batch_source.h"
#include "trainer/metrics/metric.h"
#include "trainer/objective.h"
#include "trainer/optim/lr_schedule.h"
#include "trainer/optim/model_optimizer.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

struct TrainerOptions {
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  std::int64_t recompute_every = 0;
  double neftune_noise_alpha = 0.0;
  std::uint64_t seed = 0;
};

// How far the chosen answer of a pair wins, as the policy stood before the step that trained on it.
struct PairMargin {
  data::SourceLine where;
  double margin = 0.0;
};

// What happens between steps. Every call names the number of steps done; all may throw.
struct TrainerEvents {
  // After each step, with its metrics in order of interest.
  std::function<void(std::int64_t step, const std::vector<MetricValue>& values)> step_done;
  // Asked after each step: true ends the run here.
  std::function<bool(std::int64_t step)> should_stop;
  // Before step_done, where the objective compares pairs, their margins in the order of the step; may be
  // empty.
  std::function<void(std::int64_t step, const std::vector<PairMargin>& margins)> margins_known = {};
};

class Trainer {
 public:
  // All must outlive the trainer. The units need gradient buffers.
  Trainer(const TrainerOptions& options, UnitShards& units, const Objective& objective, BatchSource& source);

  // Steps from steps_done() to the end of the source; false where should_stop ended it early.
  bool run(const TrainerEvents& events);
  // One optimizer step; returns its metrics. Throws Error (internal check) where loss or gradient is not
  // finite and Error (data) where the step has no trained token: nothing was updated, the step is not
  // counted. The gradient buffers then hold what was computed.
  std::vector<MetricValue> train_step();
  // Of the pairs of the last step.
  const std::vector<PairMargin>& margins() const { return margins_; }

  std::int64_t steps_done() const { return steps_done_; }
  void set_steps_done(std::int64_t steps) { steps_done_ = steps; }
  std::int64_t tokens_done() const { return tokens_done_; }
  void set_tokens_done(std::int64_t tokens) { tokens_done_ = tokens; }
  UnitShards& units() { return units_; }
  ModelOptimizer& optimizer() { return optimizer_; }
  SegmentedPass& pass() { return pass_; }
  losses::OutputHead head();

 private:
  std::map<std::size_t, losses::LossTerms> compute(const std::vector<data::MicroBatch>& batches,
                                                   double gradient_scale);
  std::string names_of(const std::vector<data::MicroBatch>& batches) const;
  std::string explain_non_finite(const std::vector<data::MicroBatch>& batches);

  TrainerOptions options_;
  UnitShards& units_;
  models::Llama& model_;
  const Objective& objective_;
  BatchSource& source_;
  SegmentedPass pass_;
  ModelOptimizer optimizer_;
  LrSchedule schedule_;
  std::int64_t steps_done_ = 0;
  std::int64_t tokens_done_ = 0;
  std::vector<PairMargin> margins_;
};

// Arithmetic of one step on these batches in floating-point operations: products of the matrices and causal
// attention, forward and backward, nothing computed twice.
double model_flops(const models::LlamaConfig& config, const std::vector<data::MicroBatch>& batches);

}  // namespace caravan::trainer
