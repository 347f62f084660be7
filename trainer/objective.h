// What one micro-batch costs. The Trainer decides when; an Objective decides what.
#pragma once

#include <functional>
#include <vector>

#include "data/loader/micro_batch.h"
#include "losses/loss_terms.h"
#include "losses/output_head.h"

namespace caravan::trainer {

struct ObjectiveResult {
  losses::LossTerms terms;
  at::Tensor d_hidden_TD;  // gradient of terms.loss.sum * gradient_scale; undefined in evaluation
};

// Numbers that somebody makes of the hidden states of one micro-batch: fp64 [n], any n.
using Answer = std::function<at::Tensor(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                                        const data::MicroBatch& batch)>;
// Asks the model, without gradient, about micro-batches that all ranks name alike; each rank is given the
// numbers of all of them, in their order, with the same bits for any number of ranks. Collective.
using AskModel = std::function<std::vector<std::vector<double>>(const std::vector<data::MicroBatch>& batches,
                                                                const Answer& answer)>;

class Objective {
 public:
  virtual ~Objective() = default;

  // Whether a loss depends on more than its micro-batch, so that prepare must see the whole step first.
  virtual bool prepares() const { return false; }
  // All micro-batches of a step, before anything else is asked about them: what the loss must know of the
  // whole step goes into their step_values, and what is there for this alone is taken out of them.
  virtual void prepare(std::vector<data::MicroBatch>& /*step*/, const AskModel& /*ask*/) const {}

  // What the micro-batch holds of what is averaged over (trained tokens, examples, pairs), counted on the
  // host before the first forward pass.
  virtual double count(const data::MicroBatch& batch) const = 0;
  // What the summed loss of a step is divided by, from the count over all its micro-batches and ranks.
  virtual double divisor(double global_count) const { return global_count; }
  // Whether its mean is that of the tokens' cross entropy, whose exponential is the perplexity.
  virtual bool is_cross_entropy() const { return false; }
  // Loss of one micro-batch from normed hidden states [T, D]. With a gradient scale also its gradient (the
  // head's is added in place); without, evaluation.
  virtual ObjectiveResult loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                               const data::MicroBatch& batch, const double* gradient_scale) const = 0;
};

}  // namespace caravan::trainer
