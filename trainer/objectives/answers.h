// The scored tokens of documents as answers: what losses on whole answers sum, compare and teach.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "data/loader/micro_batch.h"
#include "losses/row_walk.h"

namespace caravan::trainer {

// Documents [begin, end) of a micro-batch and their N scored positions, in order. S = end - begin.
class Answers {
 public:
  Answers(const data::MicroBatch& batch, std::size_t begin, std::size_t end, const at::Device& device);

  // Scored positions of each answer: on the host, and int64 on the device.
  const std::vector<std::int64_t>& tokens() const { return tokens_; }
  const at::Tensor& tokens_S() const { return tokens_S_; }
  const at::Tensor& rows_N() const { return rows_N_; }  // int64: which of the micro-batch's T tokens they are

  at::Tensor at_rows(const at::Tensor& values_T) const;  // [N] fp64
  at::Tensor sums(const at::Tensor& values_N) const;     // [S] in the dtype given; so is spread
  at::Tensor spread(const at::Tensor& values_S) const;   // [N]

 private:
  std::vector<std::int64_t> tokens_;
  at::Tensor rows_N_, tokens_S_;
  std::int64_t num_rows_ = 0;
};

// A run of answers on its way through the head and back; `temperature` divides the logits.
class AnswerWalk {
 public:
  AnswerWalk(const at::Tensor& hidden_TD, const losses::OutputHead& head, const data::MicroBatch& batch,
             std::pair<std::size_t, std::size_t> run, bool gradient, bool entropy = false,
             double temperature = 1.0);

  const Answers& answers() const { return answers_; }
  const at::Tensor& policy_N() const { return policy_N_; }  // fp64 log-probabilities, in nats
  // fp32, in nats, of all that the policy could have said; undefined unless asked for.
  const at::Tensor& entropy_N() const { return walk_.entropy_N(); }
  // The gradient of the sum of weights_N times -log p goes into the rows of d_hidden_TD; the head's own is
  // added in place.
  void backward(const at::Tensor& weights_N, at::Tensor& d_hidden_TD);

 private:
  Answers answers_;
  losses::RowWalk walk_;
  at::Tensor policy_N_;
};

// The documents of a micro-batch in runs, `together` (1, or 2 for pairs) never parted, as many as RowWalk may
// keep the logits of. Without gradient nothing is kept, and there is one run.
std::vector<std::pair<std::size_t, std::size_t>> runs_of(const at::Tensor& hidden_TD,
                                                         const losses::OutputHead& head,
                                                         const data::MicroBatch& batch, std::size_t together,
                                                         bool gradient);

// Log-probability [T] fp32 of each trained target, 0 elsewhere: what a reference pass stores and
// MicroBatch::reference_log_probs takes. By the very code that the policy's are computed with.
at::Tensor trained_log_probs(const at::Tensor& hidden_TD, const losses::OutputHead& head,
                             const data::MicroBatch& batch);

// The reference's log-probabilities [T], fp32, on `device`. Throws Error(kInternalCheck) where the batch
// carries none.
at::Tensor reference_log_probs(const data::MicroBatch& batch, const at::Device& device);

}  // namespace caravan::trainer
