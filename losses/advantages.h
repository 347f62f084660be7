// From rewards to advantages: how much better a token or a completion was than expected.
//
// Promise: plain functions on CPU tensors, in the dtype given; no gradients. T counts the valid tokens of all
// completions one after the other, `tokens_B` (int64) how many each has; B counts completions, a group being
// `group_size` neighbours that answer one prompt. A reward of NaN means that nobody could say: it is left out
// of means and spreads and gets advantage 0. c10::ValueError is thrown where group_size does not divide B.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "losses/policy_options.h"

namespace caravan::losses {

struct TokenAdvantages {
  at::Tensor advantages_T, returns_T;  // returns = advantages + values: what the value model should say
};
// Generalised advantage estimation (arXiv 1506.02438). last_values_B: value after the last token of a
// completion that was cut off; undefined: 0, the completion ended.
TokenAdvantages gae(const at::Tensor& rewards_T, const at::Tensor& values_T, const at::Tensor& tokens_B,
                    double gamma, double lambda, const at::Tensor& last_values_B = {});

// -kl_weight * kl for each token, and the completion's score on its last one (arXiv 2203.02155). A completion
// without tokens has nowhere to put its score.
at::Tensor token_rewards(const at::Tensor& kl_T, const at::Tensor& scores_B, const at::Tensor& tokens_B,
                         double kl_weight);
// Discounted sums of the rewards from each token on.
at::Tensor returns_to_go(const at::Tensor& rewards_T, const at::Tensor& tokens_B, double gamma);

// (x - mean) / sqrt(variance + epsilon), variance with n - 1; without shift_mean the mean is put back.
at::Tensor whiten(const at::Tensor& values, bool shift_mean = true, double epsilon = 1e-8);
// The same with the variance of n, not below `floor` (REINFORCE++, arXiv 2501.03262).
at::Tensor normalize_tokens(const at::Tensor& values_T, double floor = 1e-8);

// GRPO (arXiv 2402.03300): (reward - mean of its group) / (spread + epsilon). kUnbiased and kPopulation: of
// the group with n - 1 or n; kBatch: of all rewards; kNone: not divided (Dr. GRPO, arXiv 2503.20783).
at::Tensor group_advantages(const at::Tensor& rewards_B, std::int64_t group_size, GroupSpread spread,
                            double epsilon);
// RLOO (arXiv 2402.14740): reward - mean of the others of its group. Throws c10::ValueError for groups of 1.
at::Tensor leave_one_out(const at::Tensor& rewards_B, std::int64_t group_size);
// (x - mean) / (standard deviation with n - 1 + epsilon) over the batch.
at::Tensor normalize_batch(const at::Tensor& advantages_B, double epsilon);
// GDPO (arXiv 2601.05242): each reward normalised in its group, then their weighted sum over the batch.
// K counts rewards and weights; c10::ValueError where they differ.
at::Tensor gdpo_advantages(const at::Tensor& rewards_BK, std::span<const double> weights,
                           std::int64_t group_size, double epsilon);

// DAPO (arXiv 2503.14476): whether a group's rewards differ, so that it can teach anything.
std::vector<bool> groups_that_vary(const at::Tensor& rewards_B, std::int64_t group_size);
// DAPO's soft punishment of a completion's length, in tokens: 0 until `cache` before `most`, then linearly to
// -1. Throws c10::ValueError where cache is not 1 to `most`.
double overlong_penalty(std::int64_t tokens, std::int64_t most, std::int64_t cache);

}  // namespace caravan::losses
