// Causal self-attention of packed documents: every document by itself or behind the prefix it shares, no
// padding, no mask tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/packed_layout.h"

namespace caravan::models {

// Whether attention there sees a shared prefix as fast as a document's own tokens.
inline bool can_share_prefixes(const at::Device& device) {
  return device.is_cpu();
}

// H query heads share K key/value heads (H a multiple of K); width E each.
struct AttentionOptions {
  std::int64_t num_heads = 0;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t window = 0;  // tokens a query sees, itself included; 0 = all before it
  float scale = 0.f;        // on q k^T, usually 1 / sqrt(E)
};

// qkv_TC, C = (H + 2K) E, contiguous, fp32 or bf16: rotated q, rotated k, v. Returns (out_T(HE) in its dtype,
// lse fp32: [K, T, H/K], or what the device's own attention wants back). arXiv 1706.03762, grouped heads
// 2305.13245, windows 2310.06825. Throws c10::Error where qkv does not fit the heads and the layout.
std::pair<at::Tensor, at::Tensor> attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                                            const AttentionOptions& options);
// Gradient of qkv_TC, in its dtype, from what attention returned and the gradient of out.
at::Tensor attention_backward(const at::Tensor& qkv_TC, const at::Tensor& out_THE, const at::Tensor& lse,
                              const at::Tensor& d_out_THE, const PackedLayout& layout,
                              const AttentionOptions& options);

}  // namespace caravan::models
