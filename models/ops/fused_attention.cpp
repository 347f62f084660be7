#include "models/ops/fused_attention.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <optional>

#include "models/device.h"

namespace caravan::models {

namespace {

constexpr std::int64_t kWidestHead = 128;
constexpr int kOldestDevice = 80;

// Flash attention's backward adds the gradient of q in the order in which blocks end, unless LibTorch is
// asked for deterministic algorithms. Asked for here alone: elsewhere that would refuse operations that are
// deterministic as we use them.
class DeterministicAlgorithms {
 public:
  DeterministicAlgorithms()
      : on_(at::globalContext().deterministicAlgorithms()),
        warn_only_(at::globalContext().deterministicAlgorithmsWarnOnly()),
        fill_(at::globalContext().deterministicFillUninitializedMemory()) {
    at::globalContext().setDeterministicAlgorithms(true, false);
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
  ~DeterministicAlgorithms() {
    at::globalContext().setDeterministicAlgorithms(on_, warn_only_);
    at::globalContext().setDeterministicFillUninitializedMemory(fill_);
  }
  DeterministicAlgorithms(const DeterministicAlgorithms&) = delete;
  DeterministicAlgorithms& operator=(const DeterministicAlgorithms&) = delete;

 private:
  bool on_, warn_only_, fill_;
};

// [T, H, E], [T, K, E] twice: views of qkv.
struct Heads {
  at::Tensor q, k, v;
};
Heads heads_of(const at::Tensor& qkv_TC, const AttentionOptions& o) {
  const at::Tensor heads = qkv_TC.view({qkv_TC.size(0), o.num_heads + 2 * o.num_kv_heads, o.head_dim});
  return {heads.narrow(1, 0, o.num_heads), heads.narrow(1, o.num_heads, o.num_kv_heads),
          heads.narrow(1, o.num_heads + o.num_kv_heads, o.num_kv_heads)};
}

// Flash attention counts the keys before the query's own.
std::optional<std::int64_t> keys_before(const AttentionOptions& o) {
  return o.window > 0 ? std::optional(o.window - 1) : std::nullopt;
}
std::optional<std::int64_t> keys_behind(const AttentionOptions& o) {
  return o.window > 0 ? std::optional<std::int64_t>(0) : std::nullopt;
}

}  // namespace

bool can_fuse_attention(const at::Tensor& qkv_TC, const PackedLayout& layout, const AttentionOptions& o) {
  // Documents of one token are their own special case there, with another layout of the lse; prefixes that
  // are shared it does not know.
  return qkv_TC.is_cuda() && qkv_TC.scalar_type() == at::kBFloat16 && layout.doc_starts_N.defined() &&
         layout.longest_document() > 1 && !layout.shares_prefixes() && o.head_dim % 8 == 0 &&
         o.head_dim <= kWidestHead && device_facts(qkv_TC.device()).compute_capability >= kOldestDevice;
}

std::pair<at::Tensor, at::Tensor> fused_attention(const at::Tensor& qkv_TC, const PackedLayout& layout,
                                                  const AttentionOptions& o) {
  const Heads heads = heads_of(qkv_TC, o);
  const std::int64_t longest = layout.longest_document();
  const auto result =
      at::_flash_attention_forward(heads.q, heads.k, heads.v, layout.doc_starts_N, layout.doc_starts_N,
                                   longest, longest, /*dropout_p=*/0.0, /*is_causal=*/true,
                                   /*return_debug_mask=*/false, o.scale, keys_before(o), keys_behind(o));
  return {std::get<0>(result).view({qkv_TC.size(0), o.num_heads * o.head_dim}), std::get<1>(result)};
}

at::Tensor fused_attention_backward(const at::Tensor& qkv_TC, const at::Tensor& out_THE,
                                    const at::Tensor& lse, const at::Tensor& d_out_THE,
                                    const PackedLayout& layout, const AttentionOptions& o) {
  const Heads heads = heads_of(qkv_TC, o);
  const std::int64_t tokens = qkv_TC.size(0), longest = layout.longest_document();
  const auto by_head = [&](const at::Tensor& x) { return x.view({tokens, o.num_heads, o.head_dim}); };
  // Only read with dropout.
  const at::Tensor no_random_state = at::empty({2}, qkv_TC.options().dtype(at::kLong));
  const DeterministicAlgorithms deterministic;
  const auto [dq, dk, dv] = at::_flash_attention_backward(
      by_head(d_out_THE), heads.q, heads.k, heads.v, by_head(out_THE), lse, layout.doc_starts_N,
      layout.doc_starts_N, longest, longest, /*dropout_p=*/0.0, /*is_causal=*/true, no_random_state,
      no_random_state, o.scale, keys_before(o), keys_behind(o));
  return at::cat({dq, dk, dv}, 1).view(qkv_TC.sizes());
}

}  // namespace caravan::models
