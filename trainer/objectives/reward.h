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

}  // namespace caravan::trainer
