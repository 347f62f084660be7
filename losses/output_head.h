// The output head as losses see it: two functions, so that no loss knows how the weight is stored, tied or
// sharded.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace caravan::losses {

struct OutputHead {
  std::int64_t vocab_size = 0;
  // hidden_ND -> logits_NV in the dtype of hidden.
  std::function<at::Tensor(const at::Tensor& hidden_ND)> logits;
  // (d_logits_NV, hidden_ND) -> d_hidden_ND; adds to the head's own gradient unless it is frozen.
  std::function<at::Tensor(const at::Tensor& d_logits_NV, const at::Tensor& hidden_ND)> backward;
};

}  // namespace caravan::losses
