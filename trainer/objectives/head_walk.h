// The output head over the trained positions of a micro-batch: what every objective on log-probabilities of
// whole answers shares.
//
// What a token's logits are to learn depends on its whole answer. So the head is walked twice: once for
// log-probabilities, from which loss and one factor per token follow, and once more for the gradient with
// these factors as weights. A single walk would have to keep every logit.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader/micro_batch.h"
#include "losses/linear_cross_entropy.h"
#include "losses/output_head.h"

namespace caravan::trainer {

// The trained positions, document after document.
struct TrainedRows {
  std::vector<std::int64_t> tokens;  // of each document
  at::Tensor rows_N, tokens_S;       // int64, on the device: the positions; `tokens`
  std::int64_t num_rows = 0;

  TrainedRows(const data::MicroBatch& batch, const at::Device& device);
  // fp64, of [T] values those at the positions.
  at::Tensor select(const at::Tensor& values_T) const;
  at::Tensor select(const std::vector<float>& values_T) const;
  // fp32 [T], 0 elsewhere.
  at::Tensor put(const at::Tensor& values_N, const at::Tensor& hidden_TD) const;
};

// Cross entropy at the rows, of logits / temperature; with a gradient scale also the gradient, whose weights
// are those of -log p.
losses::CrossEntropyResult walk_head(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                                     const data::MicroBatch& batch, const at::Tensor& rows_N,
                                     const at::Tensor& weights_T, const double* gradient_scale,
                                     double temperature = 1.0);

// Log-probability [T] fp32 of each trained target, 0 elsewhere: what a reference pass stores and
// MicroBatch::reference_log_probs takes. By the very code that the policy's are computed with.
at::Tensor trained_log_probs(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                             const data::MicroBatch& batch, double temperature = 1.0);

}  // namespace caravan::trainer
