// The row work of linear_cross_entropy: logits to loss and, in place, to gradient.
#pragma once

#include <ATen/core/Tensor.h>

#include "losses/linear_cross_entropy.h"

namespace caravan::losses {

// What one row needs and gives. All fp32.
struct RowTerms {
  at::Tensor loss_N, z_N, log_probs_N;
  at::Tensor entropy_N = {};  // where it is asked for
};

// logits_NV (contiguous, fp32 or bf16) becomes d loss / d logits times weights_N times gradient_scale where
// options.gradient is set.
RowTerms cross_entropy_rows_(at::Tensor& logits_NV, const at::Tensor& targets_N, const at::Tensor& weights_N,
                             const CrossEntropyOptions& options);
// The same composed from LibTorch's own operations: any device, and the reference of the kernels.
RowTerms cross_entropy_rows_reference_(at::Tensor& logits_NV, const at::Tensor& targets_N,
                                       const at::Tensor& weights_N, const CrossEntropyOptions& options);

}  // namespace caravan::losses
