// The differentiable pieces of a block. Activations are autograd variables; weights are Parameters whose
// gradients these functions add up themselves in their backward pass.
//
// What each keeps for backward is chosen for memory: norms and activations that cost little are computed
// again, so that a block holds per token its input, q k v, the attention output, the middle of the residual
// stream, and gate and up.
//
// Activations and weights are of one dtype, fp32 or bf16, and on one device; results are new tensors of that
// dtype. What does not fit is a c10::Error of the operation below (gemm.h, row_ops.h, attention.h).
#pragma once

#include <torch/csrc/autograd/variable.h>

#include <memory>

#include "models/ops/attention.h"
#include "models/ops/row_ops.h"
#include "models/parameter.h"

namespace caravan::models {

// x_TK w_NK^T + b_N (+ residual_TN). `bias` may be undefined.
at::Tensor linear(const at::Tensor& x_TK, const Parameter& weight, const Parameter& bias,
                  const at::Tensor& residual_TN = {});

// rms_norm(x_TD) w^T + b in one, the normed x is not kept.
at::Tensor norm_linear(const at::Tensor& x_TD, const Parameter& norm_weight, const NormOptions& norm,
                       const Parameter& weight, const Parameter& bias);

// rms_norm(x_TD), [T, D].
at::Tensor norm(const at::Tensor& x_TD, const Parameter& weight, const NormOptions& options);
// Norms the first `heads` heads of x_TC with `q_weight` and the next `kv_heads` with `k_weight`: each head by
// itself where the weights have head_dim elements (Qwen3), else all of them as one row (OLMo 2). The rest of
// the row passes.
at::Tensor qk_norm(const at::Tensor& qkv_TC, const Parameter& q_weight, const Parameter& k_weight,
                   const AttentionOptions& heads, const NormOptions& options);

// What attention needs beside qkv; shared by all layers of a forward pass and kept alive by the graph.
struct AttentionContext {
  PackedLayout layout;
  RotaryTable rotary;
};

// Rotates q and k and attends: [T, H E]. `qkv_TC` is consumed: it is rotated in place, so nothing else may
// have kept it.
at::Tensor rotary_attention(at::Tensor qkv_TC, const std::shared_ptr<const AttentionContext>& context,
                            const AttentionOptions& options);

// swiglu(gate_up_T2F) w^T + b (+ residual_TD).
at::Tensor swiglu_linear(const at::Tensor& gate_up_T2F, const Parameter& weight, const Parameter& bias,
                         const at::Tensor& residual_TD = {});

}  // namespace caravan::models
