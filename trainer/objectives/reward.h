// A reward model on packed pairs: the score of an answer is what the head of scores makes of its last token,
// and the chosen one is to have the higher one (Bradley and Terry).
#pragma once

#include "trainer/objective.h"
#include "trainer/objectives/reward_loss_options.h"

namespace caravan::trainer {

class RewardObjective : public Objective {
 public:
  explicit RewardObjective(const RewardLossOptions& options) : options_(options) {}

  // Pairs.
  double count(const data::MicroBatch& batch) const override;
  // Metrics, each a mean over pairs: rewards/chosen, rewards/rejected, rewards/margins, rewards/accuracies (a
  // tie is wrong). Throws Error(kInternalCheck) for a batch that is not all pairs.
  ObjectiveResult loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                       const data::MicroBatch& batch, const double* gradient_scale) const override;

 private:
  RewardLossOptions options_;
};

// The score [T] fp32 that a reward model's head makes of each token: of the last one that of the whole text,
// of the others what a value model says of what is to come. Memory: T numbers.
at::Tensor token_scores(const at::Tensor& hidden_TD, const losses::OutputHead& head);
// Index [N] of the last token of each document.
at::Tensor last_rows(const data::MicroBatch& batch, const at::Device& device);

}  // namespace caravan::trainer
