// The row work of linear_cross_entropy: logits to loss and, in place, to gradient.
#pragma once

#include <ATen/core/Tensor.h>

#include "losses/linear_cross_entropy.h"

namespace caravan::losses {

// What the rows give. All fp32 [N].
struct RowTerms {
  at::Tensor loss_N, z_N, log_probs_N;
  at::Tensor entropy_N = {};  // where it is asked for
};

// logits_NV (contiguous, fp32 or bf16) becomes d loss / d logits times weights_N (fp32) times gradient_scale
// where options.gradient is set, else it stays as it is. targets_N int64; all on one device. On the CPU
// throws c10::Error for another dtype, strides, and targets outside the vocabulary.
RowTerms cross_entropy_rows_(at::Tensor& logits_NV, const at::Tensor& targets_N, const at::Tensor& weights_N,
                             const CrossEntropyOptions& options);
// The same composed from LibTorch's own operations: any device, and the reference of the kernels.
RowTerms cross_entropy_rows_reference_(at::Tensor& logits_NV, const at::Tensor& targets_N,
                                       const at::Tensor& weights_N, const CrossEntropyOptions& options);

}  // namespace caravan::losses
