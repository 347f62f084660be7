// Losses of reinforcement learning with verifiable rewards: clipped policy gradients and their family, and
// the clipped value loss of PPO, from log-probabilities of the sampled tokens.
//
// Promise: loss of each token, their weighted sum and its gradient, in the dtype given. GRPO, BNPO, DAPO and
// Dr. GRPO are one formula under four reductions; a reduction is a weight per token and a count that the
// caller adds over micro-batches and ranks before anything is divided. Non-goals: advantages (advantages.h).
//
// T counts the valid tokens of all completions one after the other, tokens_B (int64) how many each of the B
// completions has. Tensors are on one device; the others are floating, and so are results, in the dtype of
// the log-probabilities where nothing else is said. r is policy / old of a token. Formulas and papers:
// policy_options.h and README.md of this folder.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "losses/policy_options.h"

namespace caravan::losses {

struct PolicyTokens {
  at::Tensor policy_T;      // log-probabilities now
  at::Tensor old_T;         // when the step began
  at::Tensor advantages_T;  // spread to tokens where they are per completion
  at::Tensor tokens_B;
  at::Tensor weights_T;          // of the reduction
  at::Tensor reference_T = {};   // with beta
  at::Tensor sampling_T = {};    // by the sampler, with off_policy_mask_threshold
  at::Tensor importance_T = {};  // factor of the policy term, see importance_weights; undefined: 1
  at::Tensor entropies_T = {};   // with top_entropy_share or entropy_coefficient
  double entropy_scale = 1.0;    // the bonus is a mean over tokens: count of the reduction over tokens
};

struct PolicyResult {
  at::Tensor loss;           // scalar, fp64: sum of weights times token losses, less the entropy bonus
  at::Tensor token_loss_T;   // not weighted, without the bonus
  at::Tensor d_policy_T;     // d loss / d log-probability
  at::Tensor d_entropies_T;  // undefined without the bonus
  at::Tensor ratio_T;
  at::Tensor clipped_low_T, clipped_high_T;  // bool: where the clip took the gradient away
  at::Tensor kl_T;                           // undefined without beta
};
// Throws c10::ValueError for an option out of range, and where it needs a tensor that is not given.
PolicyResult policy_loss(const PolicyTokens& tokens, const PolicyOptions& options);

// Token losses become one number by a weight per token and a count to divide by.
struct Reduction {
  at::Tensor weights_T;
  double count = 0.0;
};
// A completion without tokens counts as one with loss 0. weights_T has the shape [T], dtype and device of
// `like`. Throws c10::ValueError for kConstant without a constant_length above 0.
Reduction reduce(PolicyReduction reduction, const at::Tensor& tokens_B, const at::Tensor& like,
                 double constant_length = 0.0);

// [T]: old / sampling, of a token or of a whole completion, cut off at the bounds or set to 0 beyond them. No
// gradient flows through it.
at::Tensor importance_weights(const at::Tensor& old_T, const at::Tensor& sampling_T,
                              const at::Tensor& tokens_B, ImportanceMode mode, std::optional<double> least,
                              std::optional<double> most);

struct ValueResult {
  at::Tensor loss_T, d_values_T;
  at::Tensor clipped_T;  // bool: where the clipped value was the worse one
};
// PPO's value loss, clipped as arXiv 2005.12729 tells, all [T]: 1/2 max((v - R)^2, (old + clip(v - old,
// +-range) - R)^2). range 0: no clip. The gradient is that of the sum of weights_T loss_T.
ValueResult value_loss(const at::Tensor& values_T, const at::Tensor& old_values_T,
                       const at::Tensor& returns_T, const at::Tensor& weights_T, double range);

}  // namespace caravan::losses
