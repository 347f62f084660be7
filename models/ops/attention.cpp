#include "models/ops/attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "models/ops/composed_operations.h"
#include "models/ops/cpu/kernels.h"
#include "models/ops/device_ops.h"
#include "models/ops/fused_attention.h"

namespace caravan::models {

namespace {

// One task = one document and one key/value head. The longest documents come first, so that no thread ends
// with the largest one.
struct Task {
  std::int64_t start, length, kv_head;
};

std::vector<Task> make_tasks(const PackedLayout& layout, const AttentionOptions& o) {
  std::vector<Task> tasks;
  for (std::size_t n = 0; n + 1 < layout.doc_starts.size(); ++n)
    for (std::int64_t kv_head = 0; kv_head < o.num_kv_heads; ++kv_head)
      tasks.push_back({layout.doc_starts[n], layout.doc_starts[n + 1] - layout.doc_starts[n], kv_head});
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const Task& a, const Task& b) { return a.length > b.length; });
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
  TORCH_CHECK(qkv.scalar_type() == at::kFloat || qkv.scalar_type() == at::kBFloat16, "attention: dtype ",
              qkv.scalar_type(), " is not supported; use fp32 or bf16");
}

cpu::AttentionShape shape_of(const Task& task, const AttentionOptions& o) {
  const std::int64_t row = (o.num_heads + 2 * o.num_kv_heads) * o.head_dim;
  return {task.length, o.num_heads / o.num_kv_heads, o.head_dim, o.window, o.scale, row,
          row,         o.num_heads * o.head_dim};
}

// Pointers into a packed row for one task.
template <class T>
struct Heads {
  T *q, *k, *v;
};
template <class T>
Heads<T> heads_of(T* qkv, const Task& task, const AttentionOptions& o) {
  const std::int64_t group = o.num_heads / o.num_kv_heads,
                     row = (o.num_heads + 2 * o.num_kv_heads) * o.head_dim;
  T* base = qkv + task.start * row;
  return {base + task.kv_head * group * o.head_dim, base + (o.num_heads + task.kv_head) * o.head_dim,
          base + (o.num_heads + o.num_kv_heads + task.kv_head) * o.head_dim};
}

template <class T>
void attention_cpu(const at::Tensor& qkv, at::Tensor& out, at::Tensor& lse, const PackedLayout& layout,
                   const AttentionOptions& o) {
  const std::int64_t group = o.num_heads / o.num_kv_heads, tokens = layout.num_tokens();
  run_tasks(make_tasks(layout, o), [&](const Task& task) {
    const auto heads = heads_of(qkv.const_data_ptr<T>(), task, o);
    cpu::kernels<T>().attention(
        shape_of(task, o), heads.q, heads.k, heads.v,
        out.data_ptr<T>() + (task.start * o.num_heads + task.kv_head * group) * o.head_dim,
        lse.data_ptr<float>() + (task.kv_head * tokens + task.start) * group);
  });
}

template <class T>
void attention_backward_cpu(const at::Tensor& qkv, const at::Tensor& out, const at::Tensor& lse,
                            const at::Tensor& d_out, at::Tensor& d_qkv, const PackedLayout& layout,
                            const AttentionOptions& o) {
  const std::int64_t group = o.num_heads / o.num_kv_heads, tokens = layout.num_tokens();
  run_tasks(make_tasks(layout, o), [&](const Task& task) {
    const auto heads = heads_of(qkv.const_data_ptr<T>(), task, o);
    const auto gradients = heads_of(d_qkv.data_ptr<T>(), task, o);
    const std::int64_t at = (task.start * o.num_heads + task.kv_head * group) * o.head_dim;
    cpu::kernels<T>().attention_backward(
        shape_of(task, o), heads.q, heads.k, heads.v, out.const_data_ptr<T>() + at,
        lse.const_data_ptr<float>() + (task.kv_head * tokens + task.start) * group,
        d_out.const_data_ptr<T>() + at, gradients.q, gradients.k, gradients.v);
  });
}

}  // namespace

std::pair<at::Tensor, at::Tensor> attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                                            const AttentionOptions& options) {
  check_shapes(qkv_TC, layout, options);
  if (can_fuse_attention(qkv_TC, layout, options)) return fused_attention(qkv_TC, layout, options);
  if (!has_kernels(qkv_TC)) return device::attention(qkv_TC, layout, options);
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
    return device::attention_backward(qkv_TC, out_THE, lse, d_out_THE, layout, options);
  at::Tensor d_qkv_TC = at::empty(qkv_TC.sizes(), qkv_TC.options());
  if (qkv_TC.scalar_type() == at::kFloat)
    attention_backward_cpu<float>(qkv_TC, out_THE, lse, d_out_THE.contiguous(), d_qkv_TC, layout, options);
  else
    attention_backward_cpu<c10::BFloat16>(qkv_TC, out_THE, lse, d_out_THE.contiguous(), d_qkv_TC, layout,
                                          options);
  return d_qkv_TC;
}

}  // namespace caravan::models
