#include "models/ops/device_ops.h"

#include <ATen/ATen.h>

#include <limits>

namespace caravan::models::device {

namespace {

at::Tensor wide(const at::Tensor& x) {
  return x.to(at::kFloat);
}

at::Tensor tensor_of(const std::vector<std::int32_t>& values, const at::Device& device) {
  return at::from_blob(const_cast<std::int32_t*>(values.data()), {static_cast<std::int64_t>(values.size())},
                       at::kInt)
      .to(device, at::kLong, false, true);
}

// q [H, n, E], k and v [H, n, E] of one document as fp32, key/value heads repeated for their group.
struct DocumentHeads {
  at::Tensor q, k, v;
};
DocumentHeads document_heads(const at::Tensor& qkv_TC, std::int64_t start, std::int64_t length,
                             const AttentionOptions& o) {
  const at::Tensor rows =
      wide(qkv_TC.narrow(0, start, length)).view({length, o.num_heads + 2 * o.num_kv_heads, o.head_dim});
  const std::int64_t group = o.num_heads / o.num_kv_heads;
  const auto part = [&](std::int64_t from, std::int64_t count) {
    return rows.narrow(1, from, count).transpose(0, 1);
  };
  return {part(0, o.num_heads), part(o.num_heads, o.num_kv_heads).repeat_interleave(group, 0),
          part(o.num_heads + o.num_kv_heads, o.num_kv_heads).repeat_interleave(group, 0)};
}

// Scores [H, n, n] with minus infinity where a query may not look.
at::Tensor masked_scores(const DocumentHeads& heads, const AttentionOptions& o) {
  const std::int64_t n = heads.q.size(1);
  const at::Tensor index = at::arange(n, heads.q.options().dtype(at::kLong));
  const at::Tensor distance = index.unsqueeze(1) - index.unsqueeze(0);
  at::Tensor hidden = distance.lt(0);
  if (o.window > 0) hidden = hidden.logical_or(distance.ge(o.window));
  return at::bmm(heads.q, heads.k.transpose(1, 2))
      .mul_(o.scale)
      .masked_fill_(hidden, -std::numeric_limits<float>::infinity());
}

// [H, n, E] -> [n, H E]
at::Tensor to_rows(const at::Tensor& x, at::ScalarType dtype) {
  return x.transpose(0, 1).reshape({x.size(1), x.size(0) * x.size(2)}).to(dtype);
}

}  // namespace

std::pair<at::Tensor, at::Tensor> rms_norm(const at::Tensor& x_TD, const at::Tensor& weight_D,
                                           const NormOptions& options) {
  const at::Tensor x = wide(x_TD);
  const at::Tensor rstd_T1 = x.square().mean(1, true).add_(options.eps).rsqrt_();
  at::Tensor normed = x * rstd_T1;
  if (options.round_first) normed = wide(normed.to(x_TD.scalar_type()));
  return {(normed * wide(weight_D)).to(x_TD.scalar_type()), rstd_T1.squeeze(1)};
}

at::Tensor rms_norm_backward(const at::Tensor& x_TD, const at::Tensor& weight_D, const at::Tensor& rstd_T,
                             const at::Tensor& dy_TD, const at::Tensor& gradient_D) {
  const at::Tensor rstd = rstd_T.unsqueeze(1), normed = wide(x_TD) * rstd, dy = wide(dy_TD),
                   scaled = dy * wide(weight_D);
  if (gradient_D.defined()) gradient_D.add_((dy * normed).sum(0));
  return ((scaled - normed * (scaled * normed).mean(1, true)) * rstd).to(x_TD.scalar_type());
}

void rotate_(at::Tensor& x_TC, std::int64_t heads, std::int64_t head_dim, const RotaryTable& table,
             const std::vector<std::int32_t>& positions, bool inverse) {
  const at::Tensor at_positions = tensor_of(positions, x_TC.device());
  const at::Tensor cos = table.cos.index_select(0, at_positions).unsqueeze(1);
  at::Tensor sin = table.sin.index_select(0, at_positions).unsqueeze(1);
  if (inverse) sin = sin.neg();
  at::Tensor part = x_TC.narrow(1, 0, heads * head_dim).view({x_TC.size(0), heads, head_dim});
  const at::Tensor low = wide(part.narrow(2, 0, head_dim / 2)),
                   high = wide(part.narrow(2, head_dim / 2, head_dim / 2));
  part.copy_(at::cat({low * cos - high * sin, high * cos + low * sin}, 2));
}

at::Tensor swiglu(const at::Tensor& gate_up_T2F) {
  const auto parts = wide(gate_up_T2F).chunk(2, 1);
  return (at::silu(parts[0]) * parts[1]).to(gate_up_T2F.scalar_type());
}

at::Tensor swiglu_backward(const at::Tensor& gate_up_T2F, const at::Tensor& d_act_TF) {
  const auto parts = wide(gate_up_T2F).chunk(2, 1);
  const at::Tensor s = parts[0].sigmoid(), silu = parts[0] * s, d = wide(d_act_TF);
  return at::cat({d * parts[1] * (s + silu * (1 - s)), d * silu}, 1).to(gate_up_T2F.scalar_type());
}

std::pair<at::Tensor, at::Tensor> attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                                            const AttentionOptions& o) {
  at::Tensor out_THE = at::empty({qkv_TC.size(0), o.num_heads * o.head_dim}, qkv_TC.options());
  const std::int64_t group = o.num_heads / o.num_kv_heads;
  at::Tensor lse = at::empty({o.num_kv_heads, qkv_TC.size(0), group}, qkv_TC.options().dtype(at::kFloat));
  for (std::size_t d = 0; d + 1 < layout.doc_starts.size(); ++d) {
    const std::int64_t start = layout.doc_starts[d], length = layout.doc_starts[d + 1] - start;
    const DocumentHeads heads = document_heads(qkv_TC, start, length, o);
    const at::Tensor scores = masked_scores(heads, o);
    out_THE.narrow(0, start, length)
        .copy_(to_rows(at::bmm(scores.softmax(2), heads.v), qkv_TC.scalar_type()));
    lse.narrow(1, start, length)
        .copy_(scores.logsumexp(2).view({o.num_kv_heads, group, length}).transpose(1, 2));
  }
  return {out_THE, lse};
}

at::Tensor attention_backward(const at::Tensor& qkv_TC, const at::Tensor& out_THE, const at::Tensor&,
                              const at::Tensor& d_out_THE, const PackedLayout& layout,
                              const AttentionOptions& o) {
  at::Tensor d_qkv_TC = at::empty(qkv_TC.sizes(), qkv_TC.options());
  const std::int64_t group = o.num_heads / o.num_kv_heads;
  const auto by_head = [&](const at::Tensor& x, std::int64_t start, std::int64_t length) {
    return wide(x.narrow(0, start, length)).view({length, o.num_heads, o.head_dim}).transpose(0, 1);
  };
  for (std::size_t d = 0; d + 1 < layout.doc_starts.size(); ++d) {
    const std::int64_t start = layout.doc_starts[d], length = layout.doc_starts[d + 1] - start;
    const DocumentHeads heads = document_heads(qkv_TC, start, length, o);
    const at::Tensor weights = masked_scores(heads, o).softmax(2), d_out = by_head(d_out_THE, start, length);
    const at::Tensor delta = (d_out * by_head(out_THE, start, length)).sum(2, true);
    const at::Tensor d_scores = (weights * (at::bmm(d_out, heads.v.transpose(1, 2)) - delta)).mul_(o.scale);
    const auto over_group = [&](const at::Tensor& x) {
      return x.view({o.num_kv_heads, group, length, o.head_dim}).sum(1);
    };
    const at::Tensor dq = at::bmm(d_scores, heads.k),
                     dk = over_group(at::bmm(d_scores.transpose(1, 2), heads.q)),
                     dv = over_group(at::bmm(weights.transpose(1, 2), d_out));
    d_qkv_TC.narrow(0, start, length).copy_(to_rows(at::cat({dq, dk, dv}, 0), qkv_TC.scalar_type()));
  }
  return d_qkv_TC;
}

}  // namespace caravan::models::device
