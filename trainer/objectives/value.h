// PPO's value model on packed completions: what reward is still to come, said by a head of scores before each
// token of a completion (arXiv 1707.06347, 1506.02438).
#pragma once

#include "trainer/objective.h"

namespace caravan::trainer {

class ValueObjective : public Objective {
 public:
  // `range`: how far a value may move from its old one before the clipped one counts; 0: not clipped.
  // `weight`: what the loss is multiplied with.
  ValueObjective(double range, double weight) : range_(range), weight_(weight) {}

  // Tokens of completions.
  double count(const data::MicroBatch& batch) const override;
  // Metrics, each a mean over tokens: value/mean, value/clipped, value/error (|value - return|). Throws
  // Error(kInternalCheck) for a batch without returns.
  ObjectiveResult loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                       const data::MicroBatch& batch, const double* gradient_scale) const override;

 private:
  double range_, weight_;
};

// fp64: what the head of scores says at the trained positions of a micro-batch.
at::Tensor token_values(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                        const data::MicroBatch& batch);

}  // namespace caravan::trainer
