// Losses on packed pairs: chosen and rejected answers side by side, compared with a frozen reference whose
// log-probabilities come in with the batch.
//
// Promise: any number of pairs in a micro-batch, all tokens real; the gradient does not depend on how a step
// is split into micro-batches; memory for logits is bounded, whatever the pairs and the vocabulary.
//
// What a token's logits are to learn depends on its whole answer, and on the other one: losses/row_walk.h. A
// loss that sorts the pairs of a step is worked out for the whole step before its first backward.
#pragma once

#include "losses/preference.h"
#include "trainer/objective.h"
#include "trainer/objectives/answers.h"
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
  bool prepares() const override;
  void prepare(std::vector<data::MicroBatch>& step, const AskModel& ask) const override;

 private:
  // What is compared of the pairs of a run.
  struct Scored {
    losses::PairLogProbs pairs;
    at::Tensor plain_S, token_weights_N;
  };
  Scored score(const AnswerWalk& walk, const data::MicroBatch& batch) const;
  losses::PreferenceResult result_of(const Scored& scored, const data::MicroBatch& batch,
                                     std::size_t first_pair, bool gradient) const;

  PreferenceLossOptions options_;
  losses::PreferenceOptions loss_options_;
};

// Throws Error(kInternalCheck) where the micro-batch is not made of pairs, chosen before rejected.
void check_pairs(const data::MicroBatch& batch);

}  // namespace caravan::trainer
