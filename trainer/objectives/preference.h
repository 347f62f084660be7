// Losses on packed pairs: chosen and rejected answers side by side, compared with a frozen reference whose
// log-probabilities come in with the batch.
//
// Promise: any number of pairs in a micro-batch, all tokens real; the gradient does not depend on how a step
// is split into micro-batches; memory holds one chunk of logits, whatever the pairs and the vocabulary.
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

}  // namespace caravan::trainer
