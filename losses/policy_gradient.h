// Losses of reinforcement learning with verifiable rewards: clipped policy gradients and their family, and
// the clipped value loss of PPO, from log-probabilities of the sampled tokens.
//
// Promise: loss of each token, their weighted sum and its gradient, in the dtype given. GRPO, BNPO, DAPO and
// Dr. GRPO are one formula under four reductions; a reduction is a weight per token and a count that the
// caller adds over micro-batches and ranks before anything is divided. Non-goals: advantages (advantages.h).
//
// T counts the valid tokens of all completions one after the other, tokens_B how many each has. r is policy /
// old of a token.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <string_view>

#include "losses/kl.h"

namespace caravan::losses {

enum class PolicyLoss {
  kClip,               // -min(r A, clip(r) A)                     PPO arXiv 1707.06347, GRPO 2402.03300
  kCispo,              // -sg(min(r, epsilon_high)) A log p        ScaleRL arXiv 2510.13786
  kCispoMinimax,       // the same with clip(r, 1 - low, 1 + high) MiniMax-M1 arXiv 2506.13585
  kCispoOpenInstruct,  // the same with min(r, 1 + high)
  kSapo,               // -sigma(t (r - 1)) 4 / t A                arXiv 2511.20347
  kVespo,              // -sg(phi(product of r)) A log p           arXiv 2602.10693
  kGmpo,               // -(geometric mean of clipped r) A         arXiv 2507.20673
  kReinforce,          // -A log p
};
constexpr std::array<std::string_view, 8> choice_names(PolicyLoss) {
  return {"clip", "cispo", "cispo_minimax", "cispo_open_instruct", "sapo", "vespo", "gmpo", "reinforce"};
}

// Over what r is taken: a token; a completion's average (GSPO, arXiv 2507.18071); a completion's sum (RLOO).
enum class RatioLevel { kToken, kSequence, kSequenceSum };
constexpr std::array<std::string_view, 3> choice_names(RatioLevel) {
  return {"token", "sequence", "sequence_sum"};
}

struct PolicyOptions {
  PolicyLoss loss = PolicyLoss::kClip;
  RatioLevel ratio = RatioLevel::kToken;
  double epsilon_low = 0.2, epsilon_high = 0.2;
  double delta = 0.0;      // > 0: the unclipped r is held below it (INTELLECT-2, arXiv 2505.07291)
  double dual_clip = 0.0;  // > 1: where A < 0 the objective is not below dual_clip A (arXiv 1912.09729)
  double beta = 0.0;       // weight of the divergence from the reference in the loss
  KlOptions kl;
  double sapo_temperature_pos = 1.0, sapo_temperature_neg = 1.05;
  double vespo_k_pos = 2.0, vespo_lambda_pos = 3.0, vespo_k_neg = 3.0, vespo_lambda_neg = 2.0;
  // Completions with A < 0 whose mean of sampling - policy is above it teach nothing (arXiv 2512.02556).
  std::optional<double> off_policy_mask_threshold = {};
  // Only this share of the given tokens, those of highest entropy, keeps its policy term (arXiv 2506.01939).
  double top_entropy_share = 1.0;
  double entropy_coefficient = 0.0;
};

struct PolicyTokens {
  at::Tensor policy_T;           // log-probabilities now
  at::Tensor old_T;              // when the step began
  at::Tensor advantages_T;       // spread to tokens where they are per completion
  at::Tensor tokens_B;           // int64
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
PolicyResult policy_loss(const PolicyTokens& tokens, const PolicyOptions& options);

// How token losses become one number: by a weight per token and a count to divide by.
enum class PolicyReduction {
  kTokenMean,     // count: tokens (BNPO, DAPO)
  kSequenceMean,  // count: completions, each averaged over its own tokens (GRPO, GMPO)
  kSequenceSum,   // count: completions (LUSPO, arXiv 2602.05261)
  kConstant,      // count: completions times a constant length (Dr. GRPO, arXiv 2503.20783)
};
constexpr std::array<std::string_view, 4> choice_names(PolicyReduction) {
  return {"token_mean", "sequence_mean", "sequence_sum", "constant"};
}
struct Reduction {
  at::Tensor weights_T;
  double count = 0.0;
};
// A completion without tokens counts as one with loss 0. weights_T has the options of `like`.
Reduction reduce(PolicyReduction reduction, const at::Tensor& tokens_B, const at::Tensor& like,
                 double constant_length = 0.0);

// Correction for a sampler whose probabilities are not quite the trainer's: old / sampling, of a token or of
// a whole completion, cut off at the bounds or set to 0 beyond them.
enum class ImportanceMode { kTokenTruncate, kTokenMask, kSequenceTruncate, kSequenceMask };
constexpr std::array<std::string_view, 4> choice_names(ImportanceMode) {
  return {"token_truncate", "token_mask", "sequence_truncate", "sequence_mask"};
}
at::Tensor importance_weights(const at::Tensor& old_T, const at::Tensor& sampling_T,
                              const at::Tensor& tokens_B, ImportanceMode mode, std::optional<double> least,
                              std::optional<double> most);

struct ValueResult {
  at::Tensor loss_T, d_values_T;
  at::Tensor clipped_T;  // bool: where the clipped value was the worse one
};
// PPO's value loss: 1/2 max((v - R)^2, (old + clip(v - old, +-range) - R)^2). range 0: no clip. The gradient
// is that of the sum of weights_T loss_T.
ValueResult value_loss(const at::Tensor& values_T, const at::Tensor& old_values_T,
                       const at::Tensor& returns_T, const at::Tensor& weights_T, double range);

}  // namespace caravan::losses
