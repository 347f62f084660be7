// Rows through the output head whose weights are known only after all their log-probabilities are: losses
// that compare whole answers.
//
// Promise: where the logits of all rows fit `kept_bytes`, the head is walked once, for a weight of a row is
// taken into the row's hidden state on the way back and into its gradient; else twice, chunk by chunk. Never
// more logits than kept_bytes, or one chunk, exist. Which of the two it is follows from the number of rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "losses/output_head.h"

namespace caravan::losses {

class RowWalk {
 public:
  // hidden_ND fp32 or bf16, targets_N int64, on one device. `gradient` false: backward is not asked for.
  // `entropy`: that of each row is asked for. `temperature` divides the logits, in fp32. Throws as
  // linear_cross_entropy does.
  RowWalk(const at::Tensor& hidden_ND, const OutputHead& head, const at::Tensor& targets_N, bool gradient,
          std::int64_t kept_bytes, bool entropy = false, double temperature = 1.0);

  // fp32 [N], of the targets.
  const at::Tensor& log_probs_N() const { return log_probs_N_; }
  // fp32 [N], in nats, of what each row says of its next token; undefined unless asked for.
  const at::Tensor& entropy_N() const { return entropy_N_; }
  // The gradient [N, D], dtype of hidden, by the hidden states of the sum of weights_N (fp32) times -log p;
  // the head's own is added in place. Once.
  at::Tensor backward(const at::Tensor& weights_N);

  // Rows whose logits fit.
  static std::int64_t max_rows(const at::Tensor& hidden_ND, const OutputHead& head, std::int64_t kept_bytes);

 private:
  at::Tensor hidden_ND_, targets_N_, log_probs_N_, entropy_N_;
  OutputHead head_;
  std::int64_t rows_;
  double temperature_;
  // Of chunks of rows, d -log p / d logits; empty: to be computed again.
  std::vector<at::Tensor> d_logits_;
};

}  // namespace caravan::losses
