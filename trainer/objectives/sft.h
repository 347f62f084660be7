// Next-token loss on the tokens of the training mask.
#pragma once

#include "trainer/objective.h"
#include "trainer/objectives/loss_options.h"

namespace caravan::trainer {

class SftObjective : public Objective {
 public:
  explicit SftObjective(const LossOptions& options) : options_(options) {}

  // Trained tokens (token_mean, sum) or documents with a trained token (example_mean).
  double count(const data::MicroBatch& batch) const override;
  // The sum of Tülu 3 is not divided.
  double divisor(double global_count) const override;
  bool is_cross_entropy() const override { return true; }
  // Metrics: "loss" is in the terms; "z_loss" where it is used, "token_accuracy" is not: it would need the
  // logits twice.
  ObjectiveResult loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                       const data::MicroBatch& batch, const double* gradient_scale) const override;

 private:
  LossOptions options_;
};

}  // namespace caravan::trainer
