#include "trainer/objectives/answers.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "losses/sequence_sums.h"
#include "models/device.h"
#include "trainer/batch_tensors.h"
#include "trainer/error.h"
#include "trainer/objectives/kept_logits.h"

namespace caravan::trainer {

using at::Tensor;

namespace {

std::int64_t scored_tokens(const data::MicroBatch& batch, std::size_t document) {
  return std::count_if(batch.weights.begin() + batch.doc_starts[document],
                       batch.weights.begin() + batch.doc_starts[document + 1],
                       [](float weight) { return weight != 0.f; });
}

Tensor rows_of(const data::MicroBatch& batch, std::size_t begin, std::size_t end, const at::Device& device) {
  std::vector<std::int64_t> rows;
  for (std::int64_t t = batch.doc_starts[begin]; t < batch.doc_starts[end]; ++t)
    if (batch.weights[static_cast<std::size_t>(t)] != 0.f) rows.push_back(t);
  return models::device_copy<std::int64_t>(rows, device);
}

}  // namespace

Answers::Answers(const data::MicroBatch& batch, std::size_t begin, std::size_t end, const at::Device& device)
    : rows_N_(rows_of(batch, begin, end, device)), num_rows_(rows_N_.size(0)) {
  for (std::size_t d = begin; d < end; ++d) tokens_.push_back(scored_tokens(batch, d));
  tokens_S_ = models::device_copy<std::int64_t>(tokens_, device);
}

Tensor Answers::at_rows(const Tensor& values_T) const {
  return values_T.index_select(0, rows_N_).to(at::kDouble);
}
Tensor Answers::sums(const Tensor& values_N) const {
  return losses::sequence_sums(values_N, tokens_S_);
}
Tensor Answers::spread(const Tensor& values_S) const {
  return losses::spread_to_tokens(values_S, tokens_S_, num_rows_);
}

std::vector<std::pair<std::size_t, std::size_t>> runs_of(const Tensor& hidden_TD,
                                                         const losses::OutputHead& head,
                                                         const data::MicroBatch& batch, std::size_t together,
                                                         bool gradient) {
  const std::size_t documents = batch.doc_starts.size() - 1;
  std::vector<std::pair<std::size_t, std::size_t>> runs;
  if (!gradient) return {{0, documents}};
  const std::int64_t most = losses::RowWalk::max_rows(hidden_TD, head, kept_logits_bytes(hidden_TD.is_cpu()));
  std::int64_t rows = 0;
  for (std::size_t d = 0; d < documents; d += together) {
    std::int64_t own = 0;
    for (std::size_t side = 0; side < together; ++side) own += scored_tokens(batch, d + side);
    if (runs.empty() || rows + own > most) {
      runs.emplace_back(d, d);
      rows = 0;
    }
    rows += own;
    runs.back().second = d + together;
  }
  return runs;
}

AnswerWalk::AnswerWalk(const Tensor& hidden_TD, const losses::OutputHead& head, const data::MicroBatch& batch,
                       std::pair<std::size_t, std::size_t> run, bool gradient, bool entropy,
                       double temperature)
    : answers_(batch, run.first, run.second, hidden_TD.device()),
      walk_(hidden_TD.index_select(0, answers_.rows_N()), head,
            target_tensor(batch, hidden_TD.device()).index_select(0, answers_.rows_N()), gradient,
            kept_logits_bytes(hidden_TD.is_cpu()), entropy, temperature),
      policy_N_(walk_.log_probs_N().to(at::kDouble)) {}

void AnswerWalk::backward(const Tensor& weights_N, Tensor& d_hidden_TD) {
  d_hidden_TD.index_copy_(0, answers_.rows_N(), walk_.backward(weights_N.to(at::kFloat)));
}

Tensor trained_log_probs(const Tensor& hidden_TD, const losses::OutputHead& head,
                         const data::MicroBatch& batch) {
  const at::NoGradGuard no_grad;
  const Tensor rows_N = weighted_rows(batch.weights, hidden_TD.device());
  const losses::RowWalk walk(hidden_TD.index_select(0, rows_N), head,
                             target_tensor(batch, hidden_TD.device()).index_select(0, rows_N), false, 0);
  return at::zeros({hidden_TD.size(0)}, hidden_TD.options().dtype(at::kFloat))
      .index_copy_(0, rows_N, walk.log_probs_N());
}

Tensor reference_log_probs(const data::MicroBatch& batch, const at::Device& device) {
  if (batch.reference_log_probs.size() != batch.ids.size())
    throw Error(Error::Kind::kInternalCheck,
                "preference loss: the micro-batch carries no log-probabilities of the reference; please "
                "report this defect");
  return float_tensor(batch.reference_log_probs, device);
}

}  // namespace caravan::trainer
