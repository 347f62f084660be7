// Inputs of document attention, and its comparison with plain products and softmax; on the test device.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "models/device.h"
#include "models/ops/attention.h"
#include "models/ops/composed_ops.h"
#include "models/ops/fused_attention.h"
#include "tests/support/close.h"
#include "tests/support/test_device.h"

namespace caravan::models::attention_cases {

inline PackedLayout layout_of(const std::vector<std::int32_t>& lengths) {
  PackedLayout layout{{}, {0}};
  for (const std::int32_t length : lengths) {
    for (std::int32_t t = 0; t < length; ++t) layout.positions.push_back(t);
    layout.doc_starts.push_back(layout.doc_starts.back() + length);
  }
  const c10::Device device = tests::test_device();
  if (!device.is_cpu()) layout.doc_starts_N = device_copy<std::int32_t>(layout.doc_starts, device);
  return layout;
}

// A document of `prefix + own[0]` tokens and further ones of own[i] that see its first `prefix`.
inline PackedLayout shared_layout(std::int32_t prefix, const std::vector<std::int32_t>& own) {
  PackedLayout layout = layout_of({prefix + own[0]});
  layout.prefix_starts = layout.prefix_lengths = {0};
  for (std::size_t i = 1; i < own.size(); ++i) {
    for (std::int32_t t = 0; t < own[i]; ++t) layout.positions.push_back(prefix + t);
    layout.doc_starts.push_back(layout.doc_starts.back() + own[i]);
    layout.prefix_starts.push_back(0);
    layout.prefix_lengths.push_back(prefix);
  }
  return layout;
}

inline AttentionOptions options_of(std::int64_t kv_heads, std::int64_t group, std::int64_t width,
                                   std::int64_t window = 0) {
  return {kv_heads * group, kv_heads, width, window, 1.f / std::sqrt(static_cast<float>(width))};
}

struct Inputs {
  at::Tensor qkv, d_out;
};
inline Inputs random_inputs(const PackedLayout& layout, const AttentionOptions& o, at::ScalarType dtype,
                            double scale = 1.0) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(21);
  const auto random = [&](std::int64_t heads) {
    return (at::randn({layout.num_tokens(), heads * o.head_dim}, generator) * scale)
        .to(tests::test_device(), dtype);
  };
  return {random(o.num_heads + 2 * o.num_kv_heads), random(o.num_heads)};
}

struct Outcome {
  at::Tensor out, lse, d_qkv;
};
inline Outcome run(const Inputs& inputs, const PackedLayout& layout, const AttentionOptions& o) {
  const auto [out, lse] = attention(inputs.qkv, layout, o);
  return {out, lse, attention_backward(inputs.qkv, out, lse, inputs.d_out, layout, o)};
}

// The reference always computes in fp32 from the same rounded inputs.
inline Outcome reference(const Inputs& inputs, const PackedLayout& layout, const AttentionOptions& o) {
  const Inputs wide{inputs.qkv.to(at::kFloat), inputs.d_out.to(at::kFloat)};
  const auto [out, lse] = composed::attention(wide.qkv, layout, o);
  return {out, lse, composed::attention_backward(wide.qkv, out, lse, wide.d_out, layout, o)};
}

inline void expect_reference(const PackedLayout& layout, const AttentionOptions& o, at::ScalarType dtype) {
  SCOPED_TRACE("group " + std::to_string(o.num_heads / o.num_kv_heads) + " width " +
               std::to_string(o.head_dim) + " window " + std::to_string(o.window) +
               (dtype == at::kFloat ? " fp32" : " bf16"));
  const Inputs inputs = random_inputs(layout, o, dtype);
  const Outcome found = run(inputs, layout, o), wanted = reference(inputs, layout, o);
  EXPECT_EQ(found.out.scalar_type(), dtype);
  const bool fp32 = dtype == at::kFloat;
  // bf16: weights, their gradients and the results are rounded, each by at most one part in 256 of the
  // largest term.
  const double out = wanted.out.abs().max().item<double>(), d = wanted.d_qkv.abs().max().item<double>();
  EXPECT_TRUE(tests::close(found.out, wanted.out, (fp32 ? 2e-6 : 0x1p-7) * out));
  if (!can_fuse_attention(inputs.qkv, layout, o)) {  // whose lse is its own affair
    EXPECT_TRUE(tests::close(found.lse, wanted.lse, 1e-5));
  }
  EXPECT_TRUE(tests::close(found.d_qkv, wanted.d_qkv, (fp32 ? 5e-6 : 0x1p-6) * d));
  if (!fp32) {
    EXPECT_LE((found.d_qkv.to(at::kFloat) - wanted.d_qkv).norm().item<double>(),
              0x1p-7 * wanted.d_qkv.norm().item<double>());
  }
}

}  // namespace caravan::models::attention_cases
