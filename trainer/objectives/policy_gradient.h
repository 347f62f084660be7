// Policy gradients on packed completions that the policy sampled: advantages and log-probabilities of the
// time of sampling come in with the batch.
//
// Promise: any number of completions in a micro-batch, all tokens real; the gradient does not depend on how a
// step is split into micro-batches; memory for logits is bounded.
#pragma once

#include "losses/policy_gradient.h"
#include "trainer/objective.h"
#include "trainer/objectives/answers.h"
#include "trainer/objectives/policy_loss_options.h"

namespace caravan::trainer {

class PolicyObjective : public Objective {
 public:
  // Log-probabilities are those of logits / temperature; `constant_length` is what the reduction `constant`
  // divides by. Throws Error(kUsage) as PolicyLossOptions::check does.
  PolicyObjective(const PolicyLossOptions& options, double temperature, double constant_length);

  // What the reduction divides by: tokens, completions, or completions times a length.
  double count(const data::MicroBatch& batch) const override;
  // Metrics, each a mean over tokens: policy/ratio, policy/clipped_low, policy/clipped_high, policy/approx_kl
  // ((policy - old)^2 / 2), policy/entropy (of all tokens that could have been sampled, in nats, exact),
  // policy/entropy_estimate (-log p of those that were),
  // policy/sampling_difference (|policy - sampling|: 0 in the first step of a rollout, where sampling and
  // training agree), kl with a reference. Throws Error(kInternalCheck) for a batch without what the loss
  // needs.
  ObjectiveResult loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                       const data::MicroBatch& batch, const double* gradient_scale) const override;

 private:
  losses::PolicyTokens tokens_of(const AnswerWalk& walk, const data::MicroBatch& batch) const;

  PolicySettings settings_;
  double temperature_, constant_length_;
};

// fp64 log-probabilities of all trained targets of a micro-batch, by logits / temperature.
Answer token_log_probs(double temperature);

}  // namespace caravan::trainer
