// Losses on pairs of completions of one prompt, from what a policy and a frozen reference say of each whole
// completion: DPO and its family.
//
// Promise: the sum over pairs and its gradient by the log-probability of each completion, in the dtype that
// was given, finite for any finite input of dpo, hinge, robust, nca, bco and apo. Who reduces tokens to sums
// (sequence_sums.h) carries the gradient back to tokens: every token of a completion gets that of its sum.
// Non-goals: averages over pairs, ranks, metrics beyond rewards.
//
// B counts pairs. A ratio is policy - reference; delta is the ratio of chosen minus that of rejected. Papers
// and formulas: README.md of this folder.
#pragma once

#include <ATen/core/Tensor.h>

#include "losses/preference_options.h"

namespace caravan::losses {

// All [B], floating, of one dtype and device.
struct PairLogProbs {
  at::Tensor policy_chosen_B, policy_rejected_B;        // sums over the tokens of a completion
  at::Tensor reference_chosen_B, reference_rejected_B;  // undefined where no reference is used
  at::Tensor chosen_tokens_B, rejected_tokens_B;        // how many; at least 1
  at::Tensor pair_weights_B = {};                       // factor of the preference terms (WPO); undefined: 1
  // With nll_weight: the chosen sum over the tokens that count for it, and what it is multiplied with: one
  // over their number (RPO, arXiv 2404.19733), or pairs over tokens of the step (a mean over tokens, TRL).
  at::Tensor nll_chosen_B = {}, nll_scale_B = {};
};

struct PreferenceResult {
  at::Tensor loss_B;  // per pair; in sorted order for a loss that sorts. Its sum is what is differentiated
  at::Tensor d_chosen_B, d_rejected_B;            // d loss / d policy sums
  at::Tensor d_nll_B;                             // d loss / d nll_chosen_B; undefined without the term
  at::Tensor reward_chosen_B, reward_rejected_B;  // of the first term: beta times what its delta is made of
};

// Throws c10::ValueError with problem_of the options, or where a reference is needed and not given.
// `gradient` false: the d_ members stay undefined.
PreferenceResult preference_loss(const PairLogProbs& pairs, const PreferenceOptions& options,
                                 bool gradient = true);

// log odds(chosen) - log odds(rejected) of per-token average log-probabilities (ORPO, arXiv 2403.07691); [B],
// differentiable.
at::Tensor log_odds_ratio(const at::Tensor& chosen_average_B, const at::Tensor& rejected_average_B);

}  // namespace caravan::losses
