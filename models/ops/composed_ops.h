// The same operations as row_ops.h and attention.h composed from LibTorch's own, for devices without kernels
// of ours. They run on the CPU too, where the tests use them as the reference of the kernels. Nothing here
// waits for the device.
#pragma once

#include "models/ops/attention.h"
#include "models/ops/row_ops.h"

namespace caravan::models::composed {

std::pair<at::Tensor, at::Tensor> rms_norm(const at::Tensor& x_TD, const at::Tensor& weight_D,
                                           const NormOptions& options);
at::Tensor rms_norm_backward(const at::Tensor& x_TD, const at::Tensor& weight_D, const at::Tensor& rstd_T,
                             const at::Tensor& dy_TD, const at::Tensor& gradient_D);
void rotate_(at::Tensor& x_TC, std::int64_t heads, std::int64_t head_dim, const RotaryTable& table,
             const PackedLayout& layout, bool inverse);
at::Tensor swiglu(const at::Tensor& gate_up_T2F);
at::Tensor swiglu_backward(const at::Tensor& gate_up_T2F, const at::Tensor& d_act_TF);
std::pair<at::Tensor, at::Tensor> attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                                            const AttentionOptions& options);
at::Tensor attention_backward(const at::Tensor& qkv_TC, const at::Tensor& out_THE, const at::Tensor& lse,
                              const at::Tensor& d_out_THE, const PackedLayout& layout,
                              const AttentionOptions& options);
void add_rows_(at::Tensor& table_VD, const at::Tensor& ids_T, const at::Tensor& rows_TD);

}  // namespace caravan::models::composed
