// From tokens to sequences: sums of per-token values, and the factors that some preference losses give to
// tokens or pairs.
//
// T counts trained tokens, sequence after sequence; S counts sequences.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace caravan::losses {

// values_T floating, tokens_S int64 on the same device: tokens of each sequence, adding up to T; 0 is
// allowed. Accumulates in fp64 and returns the dtype of values; differentiable. Always the same bits for the
// same input.
at::Tensor sequence_sums(const at::Tensor& values_T, const at::Tensor& tokens_S);
// The other way, [T]: the value of each token's sequence. `tokens`: T, which saves waiting for the device.
at::Tensor spread_to_tokens(const at::Tensor& values_S, const at::Tensor& tokens_S, std::int64_t tokens);

// LD-DPO (arXiv 2409.06411): tokens of a completion beyond the length of the pair's shorter one weigh
// `alpha`. `tokens` and `other_tokens` are of each sequence and its partner. The weight of each token, [T] in
// order. Throws c10::ValueError where alpha is not 0 to 1.
std::vector<double> length_desensitised_weights(std::span<const std::int64_t> tokens,
                                                std::span<const std::int64_t> other_tokens, double alpha);

// WPO (arXiv 2406.11827): how likely the policy is to have written a pair itself, [B] in the dtype given.
// From the averages over tokens of log p, capped at 1 (wpo_plain), or of log p - log sum over the vocabulary
// of p^2, not capped (wpo_aligned). No gradient flows through it.
at::Tensor wpo_plain(const at::Tensor& chosen_average_B, const at::Tensor& rejected_average_B);
at::Tensor wpo_aligned(const at::Tensor& chosen_average_B, const at::Tensor& rejected_average_B);

}  // namespace caravan::losses
