// Attention of all documents in one call, where the device has it: LibTorch's flash attention with
// cumulative lengths, on GPUs from compute capability 8.0 on.
#pragma once

#include "models/ops/attention.h"

namespace caravan::models {

// bf16, head widths that are multiples of 8 up to 128, a layout that is on the device.
bool can_fuse_attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                        const AttentionOptions& options);
// As attention(); the lse [H, T] is for fused_attention_backward alone.
std::pair<at::Tensor, at::Tensor> fused_attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                                                  const AttentionOptions& options);
// As attention_backward(); the same bits every time.
at::Tensor fused_attention_backward(const at::Tensor& qkv_TC, const at::Tensor& out_THE,
                                    const at::Tensor& lse, const at::Tensor& d_out_THE,
                                    const PackedLayout& layout, const AttentionOptions& options);

}  // namespace caravan::models
