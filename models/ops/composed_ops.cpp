#include "models/ops/composed_ops.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "models/device.h"

namespace caravan::models::composed {

namespace {

at::Tensor wide(const at::Tensor& x) {
  return x.to(at::kFloat);
}

// Scores of so many queries exist at a time: H * kQueryRows * n numbers for a document of n tokens.
constexpr std::int64_t kQueryRows = 512;

// A document's own n tokens, and p tokens of another one that it sees before them.
struct Document {
  std::int64_t start, length, prefix_start, prefix;

  std::int64_t keys() const { return prefix + length; }
  // x's rows [p + n] of what it sees.
  at::Tensor seen_rows(const at::Tensor& x_TC) const {
    const at::Tensor own = x_TC.narrow(0, start, length);
    return prefix == 0 ? own : at::cat({x_TC.narrow(0, prefix_start, prefix), own});
  }
};

// One document as fp32: q [K, H/K, n, E], k and v [K, p + n, E].
struct DocumentHeads {
  at::Tensor q, k, v;
};

at::Tensor grouped(const at::Tensor& x_nC, const AttentionOptions& o) {
  return wide(x_nC)
      .view({x_nC.size(0), o.num_kv_heads, o.num_heads / o.num_kv_heads, o.head_dim})
      .permute({1, 2, 0, 3});
}

DocumentHeads document_heads(const at::Tensor& qkv_TC, const Document& document, const AttentionOptions& o) {
  const std::int64_t q = o.num_heads * o.head_dim, kv = o.num_kv_heads * o.head_dim;
  const auto keys = [&](std::int64_t from) {
    return wide(document.seen_rows(qkv_TC.narrow(1, from, kv)))
        .view({document.keys(), o.num_kv_heads, o.head_dim})
        .transpose(0, 1)
        .contiguous();
  };
  const at::Tensor own_q = qkv_TC.narrow(0, document.start, document.length).narrow(1, 0, q);
  return {grouped(own_q.contiguous(), o), keys(q), keys(q + kv)};
}

// Queries [first, first + count) of a document, the place of the first of them among the keys, and the keys
// that any of them sees.
struct QueryBlock {
  std::int64_t first, count, place, first_key, num_keys;
};

template <class Body>
void for_query_blocks(const Document& document, const AttentionOptions& o, Body body) {
  for (std::int64_t first = 0; first < document.length; first += kQueryRows) {
    const std::int64_t count = std::min(kQueryRows, document.length - first), place = document.prefix + first;
    const std::int64_t first_key = o.window > 0 ? std::max<std::int64_t>(0, place - o.window + 1) : 0;
    body(QueryBlock{first, count, place, first_key, place + count - first_key});
  }
}

template <class Body>
void for_documents(const PackedLayout& layout, Body body) {
  for (std::size_t d = 0; d + 1 < layout.doc_starts.size(); ++d) {
    const std::int64_t start = layout.doc_starts[d], length = layout.doc_starts[d + 1] - start;
    body(layout.shares_prefixes() ? Document{start, length, layout.prefix_starts[d], layout.prefix_lengths[d]}
                                  : Document{start, length, 0, 0});
  }
}

// [K, H/K, n, E] -> the block's [K, H/K * count, E].
at::Tensor block_rows(const at::Tensor& x, const QueryBlock& block) {
  return x.narrow(2, block.first, block.count).reshape({x.size(0), -1, x.size(3)});
}

// Scores [K, H/K, count, keys] with minus infinity where a query may not look.
at::Tensor masked_scores(const DocumentHeads& heads, const QueryBlock& block, const AttentionOptions& o) {
  const auto index = [&](std::int64_t from, std::int64_t count) {
    return at::arange(from, from + count, heads.q.options().dtype(at::kLong));
  };
  const at::Tensor distance =
      index(block.place, block.count).unsqueeze(1) - index(block.first_key, block.num_keys).unsqueeze(0);
  at::Tensor hidden = distance.lt(0);
  if (o.window > 0) hidden = hidden.logical_or(distance.ge(o.window));
  const at::Tensor keys = heads.k.narrow(1, block.first_key, block.num_keys);
  return at::bmm(block_rows(heads.q, block), keys.transpose(1, 2))
      .mul_(o.scale)
      .view({o.num_kv_heads, o.num_heads / o.num_kv_heads, block.count, block.num_keys})
      .masked_fill_(hidden, -std::numeric_limits<float>::infinity());
}

// [K, H/K * n, E] -> [n, H E]
at::Tensor to_rows(const at::Tensor& x, std::int64_t rows, const AttentionOptions& o) {
  return x.view({o.num_kv_heads, o.num_heads / o.num_kv_heads, rows, o.head_dim})
      .permute({2, 0, 1, 3})
      .reshape({rows, o.num_heads * o.head_dim});
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
             const PackedLayout& layout, bool inverse) {
  const at::Tensor at_positions = layout.positions_T.defined()
                                      ? layout.positions_T
                                      : device_copy<std::int64_t>(layout.positions, x_TC.device());
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
  at::Tensor lse = at::empty({o.num_kv_heads, qkv_TC.size(0), o.num_heads / o.num_kv_heads},
                             qkv_TC.options().dtype(at::kFloat));
  for_documents(layout, [&](const Document& document) {
    const DocumentHeads heads = document_heads(qkv_TC, document, o);
    for_query_blocks(document, o, [&](const QueryBlock& block) {
      const at::Tensor scores = masked_scores(heads, block, o);
      const at::Tensor weights = scores.softmax(3).view({o.num_kv_heads, -1, block.num_keys});
      const at::Tensor out = at::bmm(weights, heads.v.narrow(1, block.first_key, block.num_keys));
      out_THE.narrow(0, document.start + block.first, block.count).copy_(to_rows(out, block.count, o));
      lse.narrow(1, document.start + block.first, block.count).copy_(scores.logsumexp(3).transpose(1, 2));
    });
  });
  return {out_THE, lse};
}

at::Tensor attention_backward(const at::Tensor& qkv_TC, const at::Tensor& out_THE, const at::Tensor&,
                              const at::Tensor& d_out_THE, const PackedLayout& layout,
                              const AttentionOptions& o) {
  at::Tensor d_qkv_TC = at::empty(qkv_TC.sizes(), qkv_TC.options());
  const std::int64_t q = o.num_heads * o.head_dim, kv = o.num_kv_heads * o.head_dim;
  // Gradients of keys, then of values: a document adds to those of the prefix that it sees.
  const at::Tensor d_kv_TC = at::zeros({qkv_TC.size(0), 2 * kv}, qkv_TC.options().dtype(at::kFloat));
  for_documents(layout, [&](const Document& document) {
    const DocumentHeads heads = document_heads(qkv_TC, document, o);
    const at::Tensor out = grouped(out_THE.narrow(0, document.start, document.length), o),
                     d_out = grouped(d_out_THE.narrow(0, document.start, document.length), o);
    const at::Tensor dk = at::zeros(heads.k.sizes(), heads.k.options()),
                     dv = at::zeros(heads.v.sizes(), heads.v.options());
    for_query_blocks(document, o, [&](const QueryBlock& block) {
      const auto seen = [&](const at::Tensor& x) { return x.narrow(1, block.first_key, block.num_keys); };
      const at::Tensor weights =
          masked_scores(heads, block, o).softmax(3).view({o.num_kv_heads, -1, block.num_keys});
      const at::Tensor d_out_block = block_rows(d_out, block);
      const at::Tensor delta = (d_out_block * block_rows(out, block)).sum(2, true);
      const at::Tensor d_scores =
          at::bmm(d_out_block, seen(heads.v).transpose(1, 2)).sub_(delta).mul_(weights).mul_(o.scale);
      d_qkv_TC.narrow(0, document.start + block.first, block.count)
          .narrow(1, 0, q)
          .copy_(to_rows(at::bmm(d_scores, seen(heads.k)), block.count, o));
      seen(dk).add_(at::bmm(d_scores.transpose(1, 2), block_rows(heads.q, block)));
      seen(dv).add_(at::bmm(weights.transpose(1, 2), d_out_block));
    });
    const at::Tensor d_kv = at::cat({dk, dv}).transpose(0, 1).reshape({document.keys(), 2 * kv});
    d_kv_TC.narrow(0, document.prefix_start, document.prefix).add_(d_kv.narrow(0, 0, document.prefix));
    d_kv_TC.narrow(0, document.start, document.length).add_(d_kv.narrow(0, document.prefix, document.length));
  });
  d_qkv_TC.narrow(1, q, 2 * kv).copy_(d_kv_TC);
  return d_qkv_TC;
}

void add_rows_(at::Tensor& table_VD, const at::Tensor& ids_T, const at::Tensor& rows_TD) {
  // Equal ids share the place of the first of them in sorted order: below T, and nothing is read back.
  const at::Tensor places_T = at::searchsorted(std::get<0>(ids_T.sort()), ids_T);
  at::Tensor sums_TD = at::zeros(rows_TD.sizes(), rows_TD.options().dtype(at::kFloat));
  // With accumulation this is sorted and summed in the order of tokens on CUDA, not added by whoever comes
  // first as index_add_ is.
  sums_TD.index_put_({places_T}, wide(rows_TD), true);
  const at::Tensor new_rows_TD =
      wide(table_VD.index_select(0, ids_T)).add_(sums_TD.index_select(0, places_T));
  // Rows of equal ids are equal, so their order does not matter.
  table_VD.index_copy_(0, ids_T, new_rows_TD.to(table_VD.scalar_type()));
}

}  // namespace caravan::models::composed
