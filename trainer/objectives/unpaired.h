// Losses on packed answers with a verdict: KTO and its kin, compared with a frozen reference whose
// log-probabilities come in with the batch.
//
// KTO's baseline is the mean, over the whole step and all ranks, of how much likelier than the reference the
// policy finds each row's mismatched document; it carries no gradient. The mismatched documents come in the
// micro-batches, behind their rows, and leave them when they have been asked about: nothing is trained on
// them.
#pragma once

#include "trainer/objective.h"
#include "trainer/objectives/unpaired_loss_options.h"

namespace caravan::trainer {

class UnpairedObjective : public Objective {
 public:
  explicit UnpairedObjective(const UnpairedLossOptions& options) : options_(options) {}

  // Answers.
  double count(const data::MicroBatch& batch) const override;
  bool prepares() const override { return true; }
  void prepare(std::vector<data::MicroBatch>& step, const AskModel& ask) const override;
  // Metrics: rewards/chosen and logps/chosen, means over desirable answers; rewards/rejected and
  // logps/rejected, over the others; rewards/margins, the difference of the first two; kl, the baseline.
  // Throws Error(kInternalCheck) for a batch whose answers have no verdict, that has no reference or was not
  // prepared.
  ObjectiveResult loss(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                       const data::MicroBatch& batch, const double* gradient_scale) const override;

 private:
  void report(const std::string& name, const at::Tensor& values_S, const data::MicroBatch& batch,
              losses::LossTerms& terms) const;

  UnpairedLossOptions options_;
};

}  // namespace caravan::trainer
