#include "models/ops/attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <vector>

#include "models/ops/composed_ops.h"
#include "models/ops/composed_scope.h"
#include "models/ops/cpu/kernels.h"
#include "models/ops/fused_attention.h"

namespace caravan::models {

namespace {

// Where a document lies, and the prefix that it sees.
struct Document {
  std::int64_t start, length, prefix_start, prefix;

  std::int64_t cost() const { return length * (2 * prefix + length); }
};
// One task = one or more documents and one key/value head. The costliest come first, so that no thread ends
// with the largest one.
struct Task {
  std::vector<Document> documents;
  std::int64_t kv_head, cost;
};

// A document that lends its beginning, followed by those that see it. Any other stands alone.
std::vector<std::vector<Document>> families(const PackedLayout& layout) {
  std::vector<std::vector<Document>> all;
  std::map<std::int64_t, std::size_t> family_at;
  for (std::size_t n = 0; n + 1 < layout.doc_starts.size(); ++n) {
    const std::int64_t start = layout.doc_starts[n], length = layout.doc_starts[n + 1] - start;
    if (layout.shares_prefixes() && layout.prefix_lengths[n] > 0) {
      const std::int64_t from = layout.prefix_starts[n];
      all[family_at.at(from)].push_back({start, length, from, layout.prefix_lengths[n]});
    } else {
      family_at[start] = all.size();
      all.push_back({{start, length, 0, 0}});
    }
  }
  return all;
}

std::vector<Task> make_tasks(const std::vector<std::vector<Document>>& groups, const AttentionOptions& o) {
  std::vector<Task> tasks;
  for (const std::vector<Document>& documents : groups) {
    std::int64_t cost = 0;
    for (const Document& document : documents) cost += document.cost();
    for (std::int64_t kv_head = 0; kv_head < o.num_kv_heads; ++kv_head)
      tasks.push_back({documents, kv_head, cost});
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) { return a.cost > b.cost; });
  return tasks;
}

// Threads take the next task when they are done with one; which thread does what changes no result.
template <class Body>
void run_tasks(const std::vector<Task>& tasks, Body body) {
  std::atomic<std::size_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t worker = begin; worker < end; ++worker)
      for (std::size_t i = next++; i < tasks.size(); i = next++) body(tasks[i]);
  });
}

// A prefix is the beginning of an earlier document that sees none itself.
bool prefixes_fit(const PackedLayout& layout) {
  const auto& [starts, lengths] = std::tie(layout.prefix_starts, layout.prefix_lengths);
  if (lengths.empty() && starts.empty()) return true;
  const auto count = static_cast<std::size_t>(layout.num_documents());
  if (starts.size() != count || lengths.size() != count) return false;
  for (std::size_t d = 0; d < count; ++d) {
    if (lengths[d] == 0) continue;
    const auto end = layout.doc_starts.begin() + static_cast<std::ptrdiff_t>(d);
    const auto found = std::lower_bound(layout.doc_starts.begin(), end, starts[d]);
    if (lengths[d] < 0 || found == end || *found != starts[d]) return false;
    const auto lender = static_cast<std::size_t>(found - layout.doc_starts.begin());
    if (lengths[lender] != 0 || lengths[d] > layout.doc_starts[lender + 1] - starts[d]) return false;
  }
  return true;
}

void check_shapes(const at::Tensor& qkv, const PackedLayout& layout, const AttentionOptions& o) {
  TORCH_CHECK(o.num_kv_heads > 0 && !layout.doc_starts.empty() && qkv.dim() == 2 && qkv.is_contiguous() &&
                  qkv.size(1) == (o.num_heads + 2 * o.num_kv_heads) * o.head_dim &&
                  qkv.size(0) == layout.num_tokens() && layout.doc_starts.back() == layout.num_tokens(),
              "attention: qkv ", qkv.sizes(), " does not fit ", o.num_heads, " heads, ", o.num_kv_heads,
              " key/value heads of width ", o.head_dim, " and ", layout.num_tokens(), " tokens");
  TORCH_CHECK(o.head_dim % 2 == 0 && o.num_heads % o.num_kv_heads == 0 && o.window >= 0,
              "attention: heads of width ", o.head_dim, ", ", o.num_heads, " over ", o.num_kv_heads,
              ", window ", o.window,
              "; the width must be even, key/value heads must divide heads, the window must not be negative");
  TORCH_CHECK(
      layout.doc_starts.front() == 0 && std::is_sorted(layout.doc_starts.begin(), layout.doc_starts.end()),
      "attention: document starts must ascend from 0");
  TORCH_CHECK(prefixes_fit(layout),
              "attention: a prefix must be the beginning of an earlier document that has none");
  TORCH_CHECK(qkv.scalar_type() == at::kFloat || qkv.scalar_type() == at::kBFloat16, "attention: dtype ",
              qkv.scalar_type(), " is not supported; use fp32 or bf16");
}

// Pointers into packed rows for one document and key/value head.
template <class T>
struct Heads {
  T *q, *k, *v;
};

class HeadRows {
 public:
  HeadRows(const AttentionOptions& options, std::int64_t tokens, std::int64_t kv_head)
      : o_(options), tokens_(tokens), kv_head_(kv_head) {}

  cpu::AttentionShape shape(const Document& document) const {
    return {document.length, group(), o_.head_dim, o_.window,
            o_.scale,        row(),   row(),       o_.num_heads * o_.head_dim,
            document.prefix};
  }
  template <class T>
  Heads<T> heads(T* qkv, std::int64_t token) const {
    T* base = qkv + token * row();
    return {base + kv_head_ * group() * o_.head_dim, base + (o_.num_heads + kv_head_) * o_.head_dim,
            base + (o_.num_heads + o_.num_kv_heads + kv_head_) * o_.head_dim};
  }
  template <class T>
  cpu::AttentionRows<T> rows(const T* qkv, const Document& document) const {
    const auto own = heads(qkv, document.start), before = heads(qkv, document.prefix_start);
    return {own.q, own.k, own.v, before.k, before.v};
  }
  std::int64_t out_at(const Document& document) const {
    return (document.start * o_.num_heads + kv_head_ * group()) * o_.head_dim;
  }
  std::int64_t lse_at(const Document& document) const {
    return (kv_head_ * tokens_ + document.start) * group();
  }

 private:
  std::int64_t group() const { return o_.num_heads / o_.num_kv_heads; }
  std::int64_t row() const { return (o_.num_heads + 2 * o_.num_kv_heads) * o_.head_dim; }

  const AttentionOptions& o_;
  std::int64_t tokens_, kv_head_;
};

template <class T>
void attention_cpu(const at::Tensor& qkv, at::Tensor& out, at::Tensor& lse, const PackedLayout& layout,
                   const AttentionOptions& o) {
  std::vector<std::vector<Document>> alone;
  for (const std::vector<Document>& family : families(layout))
    for (const Document& document : family) alone.push_back({document});
  run_tasks(make_tasks(alone, o), [&](const Task& task) {
    const HeadRows at(o, layout.num_tokens(), task.kv_head);
    const Document& document = task.documents[0];
    cpu::kernels<T>().attention(at.shape(document), at.rows(qkv.const_data_ptr<T>(), document),
                                out.data_ptr<T>() + at.out_at(document),
                                lse.data_ptr<float>() + at.lse_at(document));
  });
}

// A family is one thread's: its members add to the gradients of what they share in their order, and the
// document that lends it rounds the sums.
template <class T>
void attention_backward_cpu(const at::Tensor& qkv, const at::Tensor& out, const at::Tensor& lse,
                            const at::Tensor& d_out, at::Tensor& d_qkv, const PackedLayout& layout,
                            const AttentionOptions& o) {
  run_tasks(make_tasks(families(layout), o), [&](const Task& task) {
    const HeadRows at(o, layout.num_tokens(), task.kv_head);
    const auto backward = [&](const Document& document, const cpu::AttentionGradients<T>& gradients) {
      cpu::kernels<T>().attention_backward(at.shape(document), at.rows(qkv.const_data_ptr<T>(), document),
                                           out.const_data_ptr<T>() + at.out_at(document),
                                           lse.const_data_ptr<float>() + at.lse_at(document),
                                           d_out.const_data_ptr<T>() + at.out_at(document), gradients);
    };
    std::int64_t shared = 0;
    for (const Document& member : task.documents) shared = std::max(shared, member.prefix);
    std::vector<float> dk(static_cast<std::size_t>(shared * o.head_dim)), dv(dk.size());
    for (std::size_t i = 1; i < task.documents.size(); ++i) {
      const Heads<T> d = at.heads(d_qkv.data_ptr<T>(), task.documents[i].start);
      backward(task.documents[i], {d.q, d.k, d.v, dk.data(), dv.data()});
    }
    const Heads<T> d = at.heads(d_qkv.data_ptr<T>(), task.documents[0].start);
    backward(task.documents[0], {d.q, d.k, d.v, nullptr, nullptr, dk.data(), dv.data(), shared});
  });
}

}  // namespace

std::pair<at::Tensor, at::Tensor> attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                                            const AttentionOptions& options) {
  check_shapes(qkv_TC, layout, options);
  if (can_fuse_attention(qkv_TC, layout, options)) return fused_attention(qkv_TC, layout, options);
  if (!has_kernels(qkv_TC)) return composed::attention(qkv_TC, layout, options);
  at::Tensor out_THE = at::empty({qkv_TC.size(0), options.num_heads * options.head_dim}, qkv_TC.options());
  at::Tensor lse = at::empty({options.num_kv_heads, qkv_TC.size(0), options.num_heads / options.num_kv_heads},
                             qkv_TC.options().dtype(at::kFloat));
  if (qkv_TC.scalar_type() == at::kFloat)
    attention_cpu<float>(qkv_TC, out_THE, lse, layout, options);
  else
    attention_cpu<c10::BFloat16>(qkv_TC, out_THE, lse, layout, options);
  return {out_THE, lse};
}

at::Tensor attention_backward(const at::Tensor& qkv_TC, const at::Tensor& out_THE, const at::Tensor& lse,
                              const at::Tensor& d_out_THE, const PackedLayout& layout,
                              const AttentionOptions& options) {
  check_shapes(qkv_TC, layout, options);
  if (can_fuse_attention(qkv_TC, layout, options))
    return fused_attention_backward(qkv_TC, out_THE, lse, d_out_THE, layout, options);
  if (!has_kernels(qkv_TC))
    return composed::attention_backward(qkv_TC, out_THE, lse, d_out_THE, layout, options);
  at::Tensor d_qkv_TC = at::empty(qkv_TC.sizes(), qkv_TC.options());
  if (qkv_TC.scalar_type() == at::kFloat)
    attention_backward_cpu<float>(qkv_TC, out_THE, lse, d_out_THE.contiguous(), d_qkv_TC, layout, options);
  else
    attention_backward_cpu<c10::BFloat16>(qkv_TC, out_THE, lse, d_out_THE.contiguous(), d_qkv_TC, layout,
                                          options);
  return d_qkv_TC;
}

}  // namespace caravan::models
