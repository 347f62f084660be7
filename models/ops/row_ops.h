// RMS norm, rotary embedding and SwiGLU on packed tokens, forward and backward, for tensors of any device. No
// autograd here: layer_functions.h makes the differentiable functions from these.
//
// All tensors [T, ...] are row-major with unit stride in the last dimension, fp32 or bf16; arithmetic is
// fp32. What does not fit in shape, stride or dtype is a c10::Error on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/packed_layout.h"

namespace caravan::models {

struct NormOptions {
  float eps = 1e-6f;
  // Round x / rms(x) to the dtype of x before the product with the weight (Llama, Mistral, Qwen), or after it
  // (OLMo 2).
  bool round_first = true;
};

// x_TD / rms(x_TD) * weight_D -> (y_TD, rstd_T fp32). Root mean square norm, arXiv 1910.07467.
std::pair<at::Tensor, at::Tensor> rms_norm(const at::Tensor& x_TD, const at::Tensor& weight_D,
                                           const NormOptions& options);
// The same from a known rstd.
at::Tensor rms_norm_again(const at::Tensor& x_TD, const at::Tensor& weight_D, const at::Tensor& rstd_T,
                          const NormOptions& options);
// dx_TD; the weight's gradient is added to `gradient_D` (fp32 or the dtype of x) where it is defined.
at::Tensor rms_norm_backward(const at::Tensor& x_TD, const at::Tensor& weight_D, const at::Tensor& rstd_T,
                             const at::Tensor& dy_TD, const at::Tensor& gradient_D);

// cos and sin of every position, [P, E/2] fp32 (rounded to `rounding` first where the model family does so).
struct RotaryTable {
  at::Tensor cos;
  at::Tensor sin;
};
RotaryTable make_rotary_table(const std::vector<float>& inv_freq, double attention_scaling,
                              std::int64_t num_positions, at::ScalarType rounding, const at::Device& device);

// Turns the first `heads` heads of each row of x_TC (C = columns, heads of width E from column 0 on) in place
// by the row's position. arXiv 2104.09864, half-split form: dimension e pairs with e + E/2. `inverse` is the
// gradient. On the CPU throws c10::Error for a position outside the table.
void rotate_(at::Tensor& x_TC, std::int64_t heads, std::int64_t head_dim, const RotaryTable& table,
             const PackedLayout& layout, bool inverse);

// silu(gate) * up, [T, F], from gate_up_T2F, gate in the first F columns. arXiv 2002.05202.
at::Tensor swiglu(const at::Tensor& gate_up_T2F);
// The gradient of gate_up, [T, 2 F].
at::Tensor swiglu_backward(const at::Tensor& gate_up_T2F, const at::Tensor& d_act_TF);

// table_VD[ids_T[t]] += rows_TD[t] for every t: sums over equal ids in fp32 in the order of tokens, rounded
// once to the dtype of the table. The same bits every time. The gradient of an embedding.
void add_rows_(at::Tensor& table_VD, const at::Tensor& ids_T, const at::Tensor& rows_TD);

}  // namespace caravan::models
