#include "models/ops/layer_functions.h"

#include <torch/csrc/autograd/custom_function.h>

#include "models/ops/gemm.h"

namespace caravan::models {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Parameters travel in saved_data: they are no variables of the graph, and the optimizer changes them in
// place between passes.
void save(AutogradContext* ctx, const std::string& key, const Parameter& p) {
  ctx->saved_data[key] = p.value;
  ctx->saved_data[key + ".gradient"] = p.gradient;
}
Parameter saved(AutogradContext* ctx, const std::string& key) {
  return {ctx->saved_data[key].toTensor(), ctx->saved_data[key + ".gradient"].toTensor()};
}

// Adds the gradients of weight and bias of y = x w^T + b.
void accumulate_linear(const Parameter& weight, const Parameter& bias, const at::Tensor& dy,
                       const at::Tensor& x) {
  if (weight.gradient.defined()) {
    at::Tensor gradient = weight.gradient;
    accumulate_matmul_tn(gradient, dy, x);
  }
  if (bias.gradient.defined()) bias.gradient.add_(dy.sum(0, false, at::kFloat));
}

at::Tensor project(const std::optional<at::Tensor>& residual, const at::Tensor& x, const Parameter& weight,
                   const Parameter& bias) {
  return residual ? add_matmul_nt(*residual, x, weight.value, bias.value)
                  : matmul_nt(x, weight.value, bias.value);
}

std::optional<at::Tensor> optional(const at::Tensor& x) {
  return x.defined() ? std::optional(x) : std::nullopt;
}

// dy also flows into the residual where there was one: the input right behind x.
bool outputs_residual(AutogradContext* ctx) {
  return ctx->saved_data["has_residual"].toBool();
}

struct LinearFunction : Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x,
                            const std::optional<at::Tensor>& residual, const Parameter& weight,
                            const Parameter& bias) {
    ctx->save_for_backward({x});
    save(ctx, "weight", weight);
    save(ctx, "bias", bias);
    ctx->saved_data["has_residual"] = residual.has_value();
    return project(residual, x, weight, bias);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& outputs) {
    const at::Tensor x = ctx->get_saved_variables()[0], dy = outputs[0].contiguous();
    const Parameter weight = saved(ctx, "weight");
    accumulate_linear(weight, saved(ctx, "bias"), dy, x);
    return {matmul_nn(dy, weight.value), outputs_residual(ctx) ? dy : at::Tensor(), {}, {}};
  }
};

struct NormLinearFunction : Function<NormLinearFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const Parameter& norm_weight,
                            const NormOptions& norm, const Parameter& weight, const Parameter& bias) {
    const auto [normed, rstd] = rms_norm(x, norm_weight.value, norm);
    ctx->save_for_backward({x, rstd});
    save(ctx, "norm", norm_weight);
    save(ctx, "weight", weight);
    save(ctx, "bias", bias);
    ctx->saved_data["eps"] = static_cast<double>(norm.eps);
    ctx->saved_data["round_first"] = norm.round_first;
    return matmul_nt(normed, weight.value, bias.value);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& outputs) {
    const auto tensors = ctx->get_saved_variables();
    const at::Tensor &x = tensors[0], &rstd = tensors[1], dy = outputs[0].contiguous();
    const NormOptions norm{static_cast<float>(ctx->saved_data["eps"].toDouble()),
                           ctx->saved_data["round_first"].toBool()};
    const Parameter norm_weight = saved(ctx, "norm"), weight = saved(ctx, "weight");
    accumulate_linear(weight, saved(ctx, "bias"), dy, rms_norm_again(x, norm_weight.value, rstd, norm));
    const at::Tensor d_normed = matmul_nn(dy, weight.value);
    return {rms_norm_backward(x, norm_weight.value, rstd, d_normed, norm_weight.gradient), {}, {}, {}, {}};
  }
};

struct NormFunction : Function<NormFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const Parameter& weight,
                            const NormOptions& options) {
    const auto [y, rstd] = rms_norm(x, weight.value, options);
    ctx->save_for_backward({x, rstd});
    save(ctx, "weight", weight);
    return y;
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& outputs) {
    const auto tensors = ctx->get_saved_variables();
    const Parameter weight = saved(ctx, "weight");
    return {rms_norm_backward(tensors[0], weight.value, tensors[1], outputs[0].contiguous(), weight.gradient),
            {},
            {}};
  }
};

// Rows the qk norm works on: every head a row of its own, or all heads of a token one row.
at::Tensor norm_rows(const at::Tensor& x_TC, std::int64_t from, std::int64_t columns, std::int64_t width) {
  return x_TC.narrow(1, from, columns).contiguous().view({-1, width});
}

struct QkNormFunction : Function<QkNormFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& qkv, const Parameter& q_weight,
                            const Parameter& k_weight, std::int64_t q_columns, std::int64_t k_columns,
                            const NormOptions& options) {
    const std::int64_t tokens = qkv.size(0), rest = qkv.size(1) - q_columns - k_columns;
    const at::Tensor q = norm_rows(qkv, 0, q_columns, q_weight.value.numel());
    const at::Tensor k = norm_rows(qkv, q_columns, k_columns, k_weight.value.numel());
    const auto [q_normed, q_rstd] = rms_norm(q, q_weight.value, options);
    const auto [k_normed, k_rstd] = rms_norm(k, k_weight.value, options);
    ctx->save_for_backward({q, q_rstd, k, k_rstd});
    save(ctx, "q", q_weight);
    save(ctx, "k", k_weight);
    return at::cat({q_normed.view({tokens, q_columns}), k_normed.view({tokens, k_columns}),
                    qkv.narrow(1, q_columns + k_columns, rest)},
                   1);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& outputs) {
    const auto tensors = ctx->get_saved_variables();
    const Parameter q_weight = saved(ctx, "q"), k_weight = saved(ctx, "k");
    const at::Tensor& d = outputs[0];
    const std::int64_t tokens = d.size(0), q_columns = tensors[0].numel() / tokens,
                       k_columns = tensors[2].numel() / tokens;
    const auto part = [&](const at::Tensor& x, const at::Tensor& rstd, const Parameter& weight,
                          std::int64_t from, std::int64_t columns) {
      const at::Tensor dy = norm_rows(d, from, columns, weight.value.numel());
      return rms_norm_backward(x, weight.value, rstd, dy, weight.gradient).view({tokens, columns});
    };
    const at::Tensor d_q = part(tensors[0], tensors[1], q_weight, 0, q_columns);
    const at::Tensor d_k = part(tensors[2], tensors[3], k_weight, q_columns, k_columns);
    return {at::cat({d_q, d_k, d.narrow(1, q_columns + k_columns, d.size(1) - q_columns - k_columns)}, 1),
            {},
            {},
            {},
            {},
            {}};
  }
};

struct AttentionHolder : torch::CustomClassHolder {
  std::shared_ptr<const AttentionContext> context;
  AttentionOptions options;
};

struct RotaryAttentionFunction : Function<RotaryAttentionFunction> {
  static at::Tensor forward(AutogradContext* ctx, at::Tensor qkv,
                            const std::shared_ptr<const AttentionContext>& context,
                            const AttentionOptions& o) {
    rotate_(qkv, o.num_heads + o.num_kv_heads, o.head_dim, context->rotary, context->layout, false);
    auto [out, lse] = attention(qkv, context->layout, o);
    // qkv was rotated behind autograd's back, so it is kept as a plain tensor and not as the input it was.
    ctx->saved_data["qkv"] = qkv.detach();
    ctx->save_for_backward({out, lse});
    auto holder = c10::make_intrusive<AttentionHolder>();
    holder->context = context;
    holder->options = o;
    ctx->saved_data["holder"] = c10::IValue::make_capsule(holder);
    return out;
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& outputs) {
    const auto tensors = ctx->get_saved_variables();
    const auto holder =
        c10::static_intrusive_pointer_cast<AttentionHolder>(ctx->saved_data["holder"].toCapsule());
    const AttentionOptions& o = holder->options;
    const AttentionContext& context = *holder->context;
    at::Tensor d_qkv = attention_backward(ctx->saved_data["qkv"].toTensor(), tensors[0], tensors[1],
                                          outputs[0].contiguous(), context.layout, o);
    rotate_(d_qkv, o.num_heads + o.num_kv_heads, o.head_dim, context.rotary, context.layout, true);
    return {d_qkv, {}, {}};
  }
};

struct SwigluLinearFunction : Function<SwigluLinearFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate_up,
                            const std::optional<at::Tensor>& residual, const Parameter& weight,
                            const Parameter& bias) {
    ctx->save_for_backward({gate_up});
    save(ctx, "weight", weight);
    save(ctx, "bias", bias);
    ctx->saved_data["has_residual"] = residual.has_value();
    return project(residual, swiglu(gate_up), weight, bias);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& outputs) {
    const at::Tensor gate_up = ctx->get_saved_variables()[0], dy = outputs[0].contiguous();
    const Parameter weight = saved(ctx, "weight");
    accumulate_linear(weight, saved(ctx, "bias"), dy, swiglu(gate_up));
    const at::Tensor d_gate_up = swiglu_backward(gate_up, matmul_nn(dy, weight.value));
    return {d_gate_up, outputs_residual(ctx) ? dy : at::Tensor(), {}, {}};
  }
};

}  // namespace

at::Tensor linear(const at::Tensor& x_TK, const Parameter& weight, const Parameter& bias,
                  const at::Tensor& residual_TN) {
  if (!at::GradMode::is_enabled()) return project(optional(residual_TN), x_TK, weight, bias);
  return LinearFunction::apply(x_TK, optional(residual_TN), weight, bias);
}

at::Tensor norm_linear(const at::Tensor& x_TD, const Parameter& norm_weight, const NormOptions& norm,
                       const Parameter& weight, const Parameter& bias) {
  if (!at::GradMode::is_enabled())
    return matmul_nt(rms_norm(x_TD, norm_weight.value, norm).first, weight.value, bias.value);
  return NormLinearFunction::apply(x_TD, norm_weight, norm, weight, bias);
}

at::Tensor norm(const at::Tensor& x_TD, const Parameter& weight, const NormOptions& options) {
  if (!at::GradMode::is_enabled()) return rms_norm(x_TD, weight.value, options).first;
  return NormFunction::apply(x_TD, weight, options);
}

at::Tensor qk_norm(const at::Tensor& qkv_TC, const Parameter& q_weight, const Parameter& k_weight,
                   const AttentionOptions& heads, const NormOptions& options) {
  return QkNormFunction::apply(qkv_TC, q_weight, k_weight, heads.num_heads * heads.head_dim,
                               heads.num_kv_heads * heads.head_dim, options);
}

at::Tensor rotary_attention(at::Tensor qkv_TC, const std::shared_ptr<const AttentionContext>& context,
                            const AttentionOptions& options) {
  return RotaryAttentionFunction::apply(std::move(qkv_TC), context, options);
}

at::Tensor swiglu_linear(const at::Tensor& gate_up_T2F, const Parameter& weight, const Parameter& bias,
                         const at::Tensor& residual_TD) {
  if (!at::GradMode::is_enabled()) return project(optional(residual_TD), swiglu(gate_up_T2F), weight, bias);
  return SwigluLinearFunction::apply(gate_up_T2F, optional(residual_TD), weight, bias);
}

}  // namespace caravan::models
