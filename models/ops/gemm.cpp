#include "models/ops/gemm.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace caravan::models {

namespace {

// oneDNN's inner product in true fp32. The public entry is the dispatcher; the wheel exports no oneDNN symbols.
at::Tensor one_dnn_linear(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                               std::string_view, Scalars, std::optional<std::string_view>)>();
  return op.call(x, w, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt, "none", Scalars(), std::nullopt);
}

// Below this many multiplications setting up a oneDNN primitive costs more than it saves.
constexpr std::int64_t kSmallProduct = 1 << 18;

bool use_one_dnn(const at::Tensor& a, std::int64_t outputs) {
  return a.is_cpu() && a.scalar_type() == at::kFloat && a.numel() * outputs > kSmallProduct;
}

}  // namespace

at::Tensor matmul_nt(const at::Tensor& x_TK, const at::Tensor& w_NK, const at::Tensor& bias_N) {
  if (use_one_dnn(x_TK, w_NK.size(0))) return one_dnn_linear(x_TK, w_NK, bias_N);
  return bias_N.defined() ? at::addmm(bias_N, x_TK, w_NK.t()) : at::mm(x_TK, w_NK.t());
}

at::Tensor add_matmul_nt(const at::Tensor& residual_TN, const at::Tensor& x_TK, const at::Tensor& w_NK, const at::Tensor& bias_N) {
  if (use_one_dnn(x_TK, w_NK.size(0))) return one_dnn_linear(x_TK, w_NK, bias_N).add_(residual_TN);
  at::Tensor y_TN = at::addmm(residual_TN, x_TK, w_NK.t());
  return bias_N.defined() ? y_TN.add_(bias_N) : y_TN;
}

at::Tensor matmul_nn(const at::Tensor& g_TN, const at::Tensor& w_NK) {
  if (use_one_dnn(g_TN, w_NK.size(1))) return one_dnn_linear(g_TN, w_NK.t(), {});
  return at::mm(g_TN, w_NK);
}

void accumulate_matmul_tn(at::Tensor& gradient_NK, const at::Tensor& g_TN, const at::Tensor& x_TK) {
  if (use_one_dnn(g_TN, x_TK.size(1))) {
    gradient_NK.add_(one_dnn_linear(g_TN.t(), x_TK.t(), {}));
  } else if (gradient_NK.scalar_type() == x_TK.scalar_type()) {
    gradient_NK.addmm_(g_TN.t(), x_TK);
  } else {
    gradient_NK.add_(at::mm(g_TN.t(), x_TK));
  }
}

}  // namespace caravan::models
