// Losses on packed pairs: chosen and rejected answers side by side, compared with a frozen reference whose
// log-probabilities come in with the batch.
//
// Promise: any number of pairs in a micro-batch, all tokens real; the gradient does not depend on how a step
// is split into micro-batches; memory holds one chunk of logits, whatever the pairs and the vocabulary.
//
// What a token's logits are to learn depends on its whole answer, and on the other one. So the head is walked
// twice: once for log-probabilities, from which the loss and one factor per token follow, and once more for
// the gradient with these factors as weights. A single walk would have to keep every logit, or one gradient
// of the head per answer.
#pragma once

#include "losses/preference.h"
#include "trainer/objective.h"
#include "trainer/objectives/preference_loss_options.h"

namespace caravan::trainer {

class PreferenceObjective : public Objective {
 public:
  // Throws Error(kUsage) as PreferenceLossOptions::check does.
  explicit PreferenceObjective(const PreferenceLossOptions& options);

  // Pairs.
  double count(const data::MicroBatch& batch) const override;
  // Metrics, each a mean over pairs: rewards/chosen, rewards/rejected, rewards/margins, rewards/accuracies (a
  // tie is wrong), logps/chosen, logps/rejected (sums over an answer's tokens); nll with nll_weight. Throws
  // Error(kInternalCheck) for a batch that is not all pairs, or has no reference where one is needed.
  ObjectiveResult loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                       const data::MicroBatch& batch, const double* gradient_scale) const override;

 private:
  PreferenceLossOptions options_;
  losses::PreferenceOptions loss_options_;
};

// Throws Error(kInternalCheck) where the micro-batch is not made of pairs, chosen before rejected.
void check_pairs(const data::MicroBatch& batch);

// Log-probability [T] fp32 of each trained target, 0 elsewhere: what a reference pass stores and
// MicroBatch::reference_log_probs takes. By the very code that the policy's are computed with.
at::Tensor trained_log_probs(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                             const data::MicroBatch& batch);

}  // namespace caravan::trainer
