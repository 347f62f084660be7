// Losses on single completions that are labelled good or bad: KTO (arXiv 2402.01306) and its variant without
// a baseline (APO, arXiv 2408.06266).
//
// Promise: the sum over examples and its gradient. The baseline is one number for the whole step, over all
// ranks, known before: it carries no gradient. B counts examples; tensors are on one device.
#pragma once

#include <ATen/core/Tensor.h>

#include "losses/unpaired_options.h"

namespace caravan::losses {

struct UnpairedLogProbs {
  at::Tensor policy_B, reference_B;  // sums over the tokens of a completion; floating, of one dtype
  at::Tensor desirable_B;            // bool
};

struct UnpairedResult {   // in the dtype of the log-probabilities
  at::Tensor loss_B;      // with its weight
  at::Tensor d_policy_B;  // of the sum of loss_B
  at::Tensor reward_B;    // beta times the ratio
};

// What a rank adds to the KL baseline: the sum of policy - reference over completions that stand behind the
// prompt of another example, a scalar, fp64. The caller adds it over ranks and gives it to kto_baseline.
at::Tensor kl_sum(const at::Tensor& policy_B, const at::Tensor& reference_B);
// The mean over the `count` mismatched completions of the step, not below 0. Throws c10::ValueError where
// there are none.
at::Tensor kto_baseline(const at::Tensor& kl_sum, double count);

// `baseline` is a scalar tensor; not looked at by apo_zero_unpaired.
UnpairedResult unpaired_loss(const UnpairedLogProbs& examples, const at::Tensor& baseline,
                             const UnpairedOptions& options);

}  // namespace caravan::losses
