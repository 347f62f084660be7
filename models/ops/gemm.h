// The three matrix products of a linear layer, on whatever is fastest for the device and dtype.
//
// T tokens, K inputs, N outputs. Operands are row-major matrices, rows may have a stride; they are on one
// device and, but for a gradient, of one dtype, fp32 or bf16, which is that of the result. What
// does not fit is a c10::Error.
//
// On the CPU the products of the way forward run on kernels of our own: every row of x as if it were alone,
// bit for bit, on any number of threads. So a token gets the same activations in training, in a prompt and
// when it is sampled. They are as fast as oneDNN with many rows and faster with few. The products of the way
// back go to oneDNN, for fp32 too: it is up to twice as fast as the library LibTorch uses on processors of
// other makers.
#pragma once

#include <ATen/core/Tensor.h>

namespace caravan::models {

// x_TK w_NK^T (+ bias_N), a new [T, N].
at::Tensor matmul_nt(const at::Tensor& x_TK, const at::Tensor& w_NK, const at::Tensor& bias_N = {});
// residual_TN + x_TK w_NK^T (+ bias_N), a new [T, N].
at::Tensor add_matmul_nt(const at::Tensor& residual_TN, const at::Tensor& x_TK, const at::Tensor& w_NK,
                         const at::Tensor& bias_N = {});
// g_TN w_NK, a new [T, K]: the gradient of x.
at::Tensor matmul_nn(const at::Tensor& g_TN, const at::Tensor& w_NK);
// gradient_NK += g_TN^T x_TK. The gradient may be fp32 where g and x are bf16.
void accumulate_matmul_tn(at::Tensor& gradient_NK, const at::Tensor& g_TN, const at::Tensor& x_TK);

}  // namespace caravan::models
