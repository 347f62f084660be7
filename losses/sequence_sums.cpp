#include "losses/sequence_sums.h"

#include <ATen/ATen.h>

namespace caravan::losses {

at::Tensor sequence_sums(const at::Tensor& values_T, const at::Tensor& tokens_S) {
  // Not index_add: on a GPU it adds in any order.
  const at::Tensor sums = at::segment_reduce(values_T.to(at::kDouble), "sum", tokens_S, {}, {}, 0, true, 0.0);
  return sums.to(values_T.scalar_type());
}

at::Tensor spread_to_tokens(const at::Tensor& values_S, const at::Tensor& tokens_S, std::int64_t tokens) {
  return values_S.repeat_interleave(tokens_S, 0, tokens);
}

std::vector<double> length_desensitised_weights(std::span<const std::int64_t> tokens,
                                                std::span<const std::int64_t> other_tokens, double alpha) {
  TORCH_CHECK_VALUE(alpha >= 0.0 && alpha <= 1.0, "ld_alpha: found ", alpha, ", allowed is 0 to 1");
  TORCH_CHECK(tokens.size() == other_tokens.size(), "ld_alpha: ", tokens.size(), " sequences, ",
              other_tokens.size(), " partners");
  std::vector<double> weights;
  for (std::size_t s = 0; s < tokens.size(); ++s)
    for (std::int64_t t = 0; t < tokens[s]; ++t) weights.push_back(t < other_tokens[s] ? 1.0 : alpha);
  return weights;
}

at::Tensor wpo_plain(const at::Tensor& chosen_average_B, const at::Tensor& rejected_average_B) {
  return (chosen_average_B.detach() + rejected_average_B.detach()).exp().clamp_max(1.0);
}

at::Tensor wpo_aligned(const at::Tensor& chosen_average_B, const at::Tensor& rejected_average_B) {
  return (chosen_average_B.detach() + rejected_average_B.detach()).exp();
}

}  // namespace caravan::losses
