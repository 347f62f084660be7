#include "losses/row_walk.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "losses/linear_cross_entropy.h"
#include "losses/softmax_rows.h"

namespace caravan::losses {

namespace {

// What a core's cache takes part in; more at a time only makes the first use of a chunk slower.
constexpr std::int64_t kChunkBytes = std::int64_t{32} << 20;
// On a GPU some thousand rows keep it busy.
constexpr std::int64_t kDeviceChunkBytes = std::int64_t{256} << 20;

std::int64_t chunk_bytes(const at::Tensor& hidden) {
  return hidden.is_cuda() ? kDeviceChunkBytes : kChunkBytes;
}

CrossEntropyResult walk(const at::Tensor& hidden_ND, const OutputHead& head, const at::Tensor& targets_N,
                        const at::Tensor& weights_N, bool gradient, bool entropy, double temperature) {
  CrossEntropyOptions options;
  options.temperature = temperature;
  options.gradient = gradient;
  options.entropy = entropy;
  options.chunk_bytes = chunk_bytes(hidden_ND);
  options.weighted_rows = at::arange(hidden_ND.size(0), targets_N.options());
  return linear_cross_entropy(hidden_ND, head, targets_N, weights_N, options);
}

}  // namespace

std::int64_t RowWalk::max_rows(const at::Tensor& hidden_ND, const OutputHead& head, std::int64_t kept_bytes) {
  const std::int64_t row_bytes = head.vocab_size * static_cast<std::int64_t>(hidden_ND.element_size());
  return kept_bytes / row_bytes / kRowMultiple * kRowMultiple;
}

RowWalk::RowWalk(const at::Tensor& hidden_ND, const OutputHead& head, const at::Tensor& targets_N,
                 bool gradient, std::int64_t kept_bytes, bool entropy, double temperature)
    : hidden_ND_(hidden_ND),
      targets_N_(targets_N),
      head_(head),
      rows_(hidden_ND.size(0)),
      temperature_(temperature) {
  const at::NoGradGuard no_grad;
  const at::Tensor ones_N = at::ones({rows_}, hidden_ND.options().dtype(at::kFloat));
  if (!gradient || rows_ > max_rows(hidden_ND, head, kept_bytes)) {
    const CrossEntropyResult result = walk(hidden_ND, head, targets_N, ones_N, false, entropy, temperature);
    log_probs_N_ = result.log_probs_T;
    entropy_N_ = result.entropy_T;
    return;
  }
  const std::int64_t over = rows_ % kRowMultiple,
                     fill = hidden_ND.is_cpu() && over > 0 ? kRowMultiple - over : 0;
  hidden_ND_ = at::constant_pad_nd(hidden_ND, {0, 0, 0, fill});
  targets_N_ = at::constant_pad_nd(targets_N, {0, fill});
  const at::Tensor weights_N = at::constant_pad_nd(ones_N, {0, fill});
  const std::int64_t chunk = std::max(kRowMultiple, max_rows(hidden_ND, head, chunk_bytes(hidden_ND)));
  std::vector<at::Tensor> log_probs, entropies;
  CrossEntropyOptions options;
  options.entropy = entropy;
  options.temperature = temperature;
  for (std::int64_t row = 0; row < hidden_ND_.size(0); row += chunk) {
    const std::int64_t count = std::min(chunk, hidden_ND_.size(0) - row);
    at::Tensor logits_CV = head.logits(hidden_ND_.narrow(0, row, count));
    const RowTerms terms = cross_entropy_rows_(logits_CV, targets_N_.narrow(0, row, count),
                                               weights_N.narrow(0, row, count), options);
    log_probs.push_back(terms.log_probs_N);
    if (entropy) entropies.push_back(terms.entropy_N);
    d_logits_.push_back(std::move(logits_CV));
  }
  log_probs_N_ = rows_ == 0 ? ones_N : at::cat(log_probs).narrow(0, 0, rows_);
  if (entropy) entropy_N_ = rows_ == 0 ? ones_N : at::cat(entropies).narrow(0, 0, rows_);
}

at::Tensor RowWalk::backward(const at::Tensor& weights_N) {
  const at::NoGradGuard no_grad;
  if (rows_ == 0) return hidden_ND_;
  if (d_logits_.empty())
    return walk(hidden_ND_, head_, targets_N_, weights_N, true, false, temperature_).d_hidden_TD;
  const at::Tensor padded_N1 = at::constant_pad_nd(weights_N, {0, hidden_ND_.size(0) - rows_}).unsqueeze(1);
  const at::Tensor weighted_ND = (hidden_ND_ * padded_N1).to(hidden_ND_.scalar_type());
  std::vector<at::Tensor> d_hidden;
  std::int64_t row = 0;
  for (at::Tensor& d_logits_CV : d_logits_) {
    const std::int64_t count = d_logits_CV.size(0);
    d_hidden.push_back(head_.backward(d_logits_CV, weighted_ND.narrow(0, row, count)));
    d_logits_CV = at::Tensor();
    row += count;
  }
  return (at::cat(d_hidden) * padded_N1).to(hidden_ND_.scalar_type()).narrow(0, 0, rows_);
}

}  // namespace caravan::losses
