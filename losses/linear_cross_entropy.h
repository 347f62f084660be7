// Cross entropy of hidden states through the output head, forward and backward in one pass over chunks of
// rows.
//
// Promise: never more than one chunk of logits exists (in the dtype of hidden; softmax and gradient are made
// in place, in fp32 arithmetic); rows of weight zero are not computed at all; no number is read back from the
// device where the caller names the rows that count. The result does not depend on the chunk size beyond
// rounding, nor on how rows are grouped into calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "losses/output_head.h"

namespace caravan::losses {

// On the CPU every number of rows makes oneDNN generate code of its own for each product of the way back,
// about 10 MB a number that it keeps for good. So what has a way back runs on a multiple of this many rows.
constexpr std::int64_t kRowMultiple = 32;

struct CrossEntropyOptions {
  double label_smoothing =
      0.0;               // s: (1 - s) nll + s times the mean over the vocabulary of -log p; arXiv 1512.00567
  double z_loss = 0.0;   // z: adds z logsumexp^2 per row; arXiv 2204.02311
  double softcap = 0.0;  // c > 0: logits become c tanh(logit / c)
  double temperature = 1.0;     // then logits / temperature
  double gradient_scale = 1.0;  // the gradient is that of gradient_scale * sum of weighted losses
  bool gradient = true;         // false: losses only
  bool entropy = false;         // of each row's distribution too
  std::int64_t chunk_bytes = std::int64_t{32} << 20;  // of logits at a time
  // int64, ascending, on the device: the rows whose weight is not zero. Undefined: looked for in the weights.
  at::Tensor weighted_rows = {};
};

struct CrossEntropyResult {
  at::Tensor row_loss_T;   // fp32: loss of each row, not weighted; 0 where the weight is 0
  at::Tensor row_z_T;      // fp32: the z-loss part of it
  at::Tensor log_probs_T;  // fp32: log p of the target, without smoothing and z
  at::Tensor entropy_T;    // fp32, in nats; undefined unless asked for
  at::Tensor d_hidden_TD;  // dtype of hidden; undefined without gradient
};

// hidden_TD fp32 or bf16; targets_T int64, any value where the weight is 0; weights_T fp32. All on one
// device. On the CPU throws c10::Error for a target outside the vocabulary at a row that counts, and for
// logits of another dtype.
CrossEntropyResult linear_cross_entropy(const at::Tensor& hidden_TD, const OutputHead& head,
                                        const at::Tensor& targets_T, const at::Tensor& weights_T,
                                        const CrossEntropyOptions& options);

}  // namespace caravan::losses
