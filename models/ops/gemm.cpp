#include "models/ops/gemm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>

#include "models/ops/composed_scope.h"
#include "models/ops/cpu/kernels.h"

namespace caravan::models {

namespace {

// oneDNN's inner product in true fp32. The public entry is the dispatcher; the wheel exports no oneDNN
// symbols.
at::Tensor one_dnn_linear(const at::Tensor& x, const at::Tensor& w) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                            std::string_view, Scalars, std::optional<std::string_view>)>();
  return op.call(x, w, std::nullopt, "none", Scalars(), std::nullopt);
}

// Below this many multiplications setting up a oneDNN primitive costs more than it saves.
constexpr std::int64_t kSmallProduct = 1 << 18;

bool use_one_dnn(const at::Tensor& a, std::int64_t outputs) {
  return a.is_cpu() && a.scalar_type() == at::kFloat && a.numel() * outputs > kSmallProduct;
}

// Rows that share one pass over the weights: enough that turning the weights for them costs little.
constexpr std::int64_t kRowsPerPass = 1024;
// Columns a thread takes at a time, and the multiplications below which a second thread does not pay.
constexpr std::int64_t kColumnsPerPortion = 16;
constexpr std::int64_t kSerialProduct = 1 << 15;

template <class T>
void rowwise(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias, const at::Tensor& residual,
             at::Tensor& y) {
  cpu::RowsProduct<T> p;
  p.w = w.const_data_ptr<T>();
  p.bias = bias.defined() ? bias.const_data_ptr<T>() : nullptr;
  p.depth = x.size(1);
  p.outputs = w.size(0);
  p.x_stride = x.stride(0);
  p.w_stride = w.stride(0);
  p.y_stride = y.stride(0);
  const auto columns = [&](std::int64_t begin, std::int64_t end) {
    cpu::RowsProduct<T> pass = p;
    for (std::int64_t row = 0; row < x.size(0); row += kRowsPerPass) {
      pass.rows = std::min(kRowsPerPass, x.size(0) - row);
      pass.x = x.const_data_ptr<T>() + row * p.x_stride;
      pass.y = y.data_ptr<T>() + row * p.y_stride;
      if (residual.defined()) {
        pass.residual = residual.const_data_ptr<T>() + row * residual.stride(0);
        pass.residual_stride = residual.stride(0);
      }
      cpu::kernels<T>().matmul_rows(pass, begin, end);
    }
  };
  const std::int64_t portions = (p.outputs + kColumnsPerPortion - 1) / kColumnsPerPortion;
  if (x.size(0) * p.depth * p.outputs < kSerialProduct) return columns(0, p.outputs);
  at::parallel_for(0, portions, 1, [&](std::int64_t begin, std::int64_t end) {
    columns(begin * kColumnsPerPortion, std::min(end * kColumnsPerPortion, p.outputs));
  });
}

at::Tensor rowwise_product(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias,
                           const at::Tensor& residual) {
  TORCH_CHECK(x.dim() == 2 && w.dim() == 2 && x.size(1) == w.size(1) && x.scalar_type() == w.scalar_type() &&
                  x.stride(1) == 1 && w.stride(1) == 1 && (!bias.defined() || bias.is_contiguous()),
              "product of rows: x ", x.sizes(), " ", x.scalar_type(), ", w ", w.sizes(), " ",
              w.scalar_type());
  TORCH_CHECK(!residual.defined() || (residual.size(0) == x.size(0) && residual.size(1) == w.size(0) &&
                                      residual.scalar_type() == x.scalar_type() && residual.stride(1) == 1),
              "product of rows: the residual does not fit x ", x.sizes(), " and w ", w.sizes());
  at::Tensor y = at::empty({x.size(0), w.size(0)}, x.options());
  if (x.scalar_type() == at::kFloat)
    rowwise<float>(x, w, bias, residual, y);
  else
    rowwise<c10::BFloat16>(x, w, bias, residual, y);
  return y;
}

// sums += x for fp32 and bf16. LibTorch would make an fp32 copy of x first, which for the output head is the
// largest tensor of a step.
void add_to_sums(at::Tensor& sums, const at::Tensor& x) {
  if (!sums.is_cpu() || sums.scalar_type() != at::kFloat || x.scalar_type() != at::kBFloat16 ||
      !sums.is_contiguous() || !x.is_contiguous()) {
    sums.add_(x);
    return;
  }
  auto* const to = sums.data_ptr<float>();
  const auto* const from = x.const_data_ptr<c10::BFloat16>();
  at::parallel_for(0, x.numel(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    cpu::kernels<c10::BFloat16>().add_to(to + begin, from + begin, end - begin);
  });
}

bool use_rowwise(const at::Tensor& x, const at::Tensor& w) {
  return has_kernels(x) && x.scalar_type() == w.scalar_type() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.stride(-1) == 1 &&
         w.stride(-1) == 1;
}

}  // namespace

at::Tensor matmul_nt(const at::Tensor& x_TK, const at::Tensor& w_NK, const at::Tensor& bias_N) {
  if (use_rowwise(x_TK, w_NK)) return rowwise_product(x_TK, w_NK, bias_N, {});
  return bias_N.defined() ? at::addmm(bias_N, x_TK, w_NK.t()) : at::mm(x_TK, w_NK.t());
}

at::Tensor add_matmul_nt(const at::Tensor& residual_TN, const at::Tensor& x_TK, const at::Tensor& w_NK,
                         const at::Tensor& bias_N) {
  if (use_rowwise(x_TK, w_NK)) return rowwise_product(x_TK, w_NK, bias_N, residual_TN);
  at::Tensor y_TN = at::addmm(residual_TN, x_TK, w_NK.t());
  return bias_N.defined() ? y_TN.add_(bias_N) : y_TN;
}

at::Tensor matmul_nn(const at::Tensor& g_TN, const at::Tensor& w_NK) {
  if (use_one_dnn(g_TN, w_NK.size(1))) return one_dnn_linear(g_TN, w_NK.t());
  return at::mm(g_TN, w_NK);
}

void accumulate_matmul_tn(at::Tensor& gradient_NK, const at::Tensor& g_TN, const at::Tensor& x_TK) {
  if (use_one_dnn(g_TN, x_TK.size(1))) {
    gradient_NK.add_(one_dnn_linear(g_TN.t(), x_TK.t()));
  } else if (gradient_NK.scalar_type() == x_TK.scalar_type()) {
    gradient_NK.addmm_(g_TN.t(), x_TK);
  } else {
    add_to_sums(gradient_NK, at::mm(g_TN.t(), x_TK));
  }
}

}  // namespace caravan::models
