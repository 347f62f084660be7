#include "losses/linear_cross_entropy.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "losses/softmax_rows.h"

namespace caravan::losses {

namespace {

std::int64_t rows_per_chunk(const at::Tensor& hidden, const OutputHead& head,
                            const CrossEntropyOptions& options) {
  const std::int64_t row_bytes = head.vocab_size * static_cast<std::int64_t>(hidden.element_size());
  return std::clamp<std::int64_t>(options.chunk_bytes / row_bytes / 64 * 64, 64, 1 << 16);
}

}  // namespace

CrossEntropyResult linear_cross_entropy(const at::Tensor& hidden_TD, const OutputHead& head,
                                        const at::Tensor& targets_T, const at::Tensor& weights_T,
                                        const CrossEntropyOptions& options) {
  at::NoGradGuard no_grad;
  const std::int64_t tokens = hidden_TD.size(0);
  const at::Tensor chosen_N =
      options.weighted_rows.defined() ? options.weighted_rows : at::nonzero(weights_T).view(-1);
  const std::int64_t over = chosen_N.numel() % kRowMultiple,
                     fill = options.gradient && hidden_TD.is_cpu() && over > 0 ? kRowMultiple - over : 0;
  const at::Tensor hidden_ND = at::constant_pad_nd(hidden_TD.index_select(0, chosen_N), {0, 0, 0, fill});
  const at::Tensor targets_N = at::constant_pad_nd(targets_T.index_select(0, chosen_N), {0, fill}),
                   weights_N = at::constant_pad_nd(weights_T.index_select(0, chosen_N), {0, fill});

  const auto fp32 = hidden_TD.options().dtype(at::kFloat);
  CrossEntropyResult result{
      at::zeros({tokens}, fp32), at::zeros({tokens}, fp32), at::zeros({tokens}, fp32), {}, {}};
  if (options.entropy) result.entropy_T = at::zeros({tokens}, fp32);
  if (options.gradient) result.d_hidden_TD = at::zeros_like(hidden_TD);
  const std::int64_t rows = hidden_ND.size(0), chunk = rows_per_chunk(hidden_TD, head, options);
  for (std::int64_t row = 0; row < rows; row += chunk) {
    const std::int64_t count = std::min(chunk, rows - row);
    const at::Tensor hidden_CD = hidden_ND.narrow(0, row, count);
    const std::int64_t real = std::min(count, chosen_N.numel() - row);
    const at::Tensor at_C = chosen_N.narrow(0, row, real);
    const auto put = [&](at::Tensor& to, const at::Tensor& from) {
      to.index_copy_(0, at_C, from.narrow(0, 0, real));
    };
    at::Tensor logits_CV = head.logits(hidden_CD);
    const RowTerms terms = cross_entropy_rows_(logits_CV, targets_N.narrow(0, row, count),
                                               weights_N.narrow(0, row, count), options);
    put(result.row_loss_T, terms.loss_N);
    put(result.row_z_T, terms.z_N);
    put(result.log_probs_T, terms.log_probs_N);
    if (options.entropy) put(result.entropy_T, terms.entropy_N);
    if (options.gradient) put(result.d_hidden_TD, head.backward(logits_CV, hidden_CD));
  }
  return result;
}

}  // namespace caravan::losses
