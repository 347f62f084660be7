// The one loop. SFT, DPO and RLVR differ in their Objective and BatchSource, not here.
//
// Code above the line in train_step computes, below it reports. The global count a loss is divided by is
// known before the first backward, so that gradients do not depend on how a step is split. A number that is
// not finite stops the step before the update.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "trainer/batch_source.h"
#include "trainer/distributed/process_group.h"
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

// What happens between steps. Every call names the number of steps done; all may throw.
struct TrainerEvents {
  // After each step, with its metrics in order of interest.
  std::function<void(std::int64_t step, const std::vector<MetricValue>& values)> step_done;
  // Asked after each step: true ends the run here.
  std::function<bool(std::int64_t step)> should_stop;
};

class Trainer {
 public:
  // All must outlive the trainer. The model needs gradient buffers, in fp32 where there are several ranks.
  // The micro-batches of a step are dealt to the ranks of the group one by one; all ranks make the same
  // calls.
  Trainer(const TrainerOptions& options, models::Llama& model, const Objective& objective,
          BatchSource& source, ProcessGroup& group);

  // Steps from steps_done() to the end of the source; false where should_stop ended it early.
  bool run(const TrainerEvents& events);
  // One optimizer step; returns its metrics, the same on all ranks but for those of time. Throws Error
  // (internal check) where loss or gradient is not finite and Error (data) where the step has no trained
  // token: nothing was updated, the step is not counted. The gradient buffers then hold what was computed.
  std::vector<MetricValue> train_step();

  std::int64_t steps_done() const { return steps_done_; }
  void set_steps_done(std::int64_t steps) { steps_done_ = steps; }
  std::int64_t tokens_done() const { return tokens_done_; }
  void set_tokens_done(std::int64_t tokens) { tokens_done_ = tokens; }
  ModelOptimizer& optimizer() { return optimizer_; }
  SegmentedPass& pass() { return pass_; }
  losses::OutputHead head();
  ProcessGroup& group() { return group_; }

 private:
  // Of this rank, each with the index of its micro-batch.
  using OwnTerms = std::vector<std::pair<std::size_t, losses::LossTerms>>;
  OwnTerms compute_gradients(const std::vector<data::MicroBatch>& batches, double gradient_scale);
  void reduce_gradients();
  std::vector<double> sum_terms(const OwnTerms& terms, std::size_t num_batches);
  std::string names_of(const std::vector<data::MicroBatch>& batches) const;
  std::string explain_non_finite(const std::vector<data::MicroBatch>& batches);

  TrainerOptions options_;
  models::Llama& model_;
  const Objective& objective_;
  BatchSource& source_;
  ProcessGroup& group_;
  SegmentedPass pass_;
  ModelOptimizer optimizer_;
  LrSchedule schedule_;
  std::int64_t steps_done_ = 0;
  std::int64_t tokens_done_ = 0;
};

// Arithmetic of one step on these batches in floating-point operations: products of the matrices and causal
// attention, forward and backward, nothing computed twice.
double model_flops(const models::LlamaConfig& config, const std::vector<data::MicroBatch>& batches);

}  // namespace caravan::trainer
