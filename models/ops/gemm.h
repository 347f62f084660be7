// The three matrix products of a linear layer, on whatever is fastest for the device and dtype.
//
// T tokens, K inputs, N outputs. On the CPU fp32 goes to oneDNN, which is up to twice as fast as the library
// LibTorch uses for it on processors of other makers; bf16 goes there anyway. Operands are row-major
// matrices, rows may have a stride.
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

// While one lives in a thread, matmul_nt and add_matmul_nt on the CPU compute every row of x as if it were
// alone, bit for bit, with kernels of our own that read the weights once: what a sequence generates then
// depends neither on the batch it is in nor on the number of threads. For few rows this is also the fastest
// way.
class RowwiseProducts {
 public:
  RowwiseProducts();
  ~RowwiseProducts();
  RowwiseProducts(const RowwiseProducts&) = delete;
  RowwiseProducts& operator=(const RowwiseProducts&) = delete;
  static bool active();

 private:
  bool before_;
};

}  // namespace caravan::models
