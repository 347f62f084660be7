// The fused attention of a GPU against plain products and softmax on the same GPU.
#include "models/ops/fused_attention.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/unit/models/ops/attention_cases.h"

namespace caravan::models {
namespace {

using namespace attention_cases;

class FusedAttention : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_TEST_DEVICE();
    if (device_facts(tests::test_device()).compute_capability < 80)
      GTEST_SKIP() << "this GPU is older than those the fused attention is for";
  }
  static void expect_fused(const PackedLayout& layout, const AttentionOptions& o) {
    EXPECT_TRUE(can_fuse_attention(random_inputs(layout, o, at::kBFloat16).qkv, layout, o));
    expect_reference(layout, o, at::kBFloat16);
  }
};

TEST_F(FusedAttention, GroupsWidthsLengthsAndWindows) {
  for (const std::int64_t group : {1, 2, 3, 4, 8})
    expect_fused(layout_of({1, 65, 30}), options_of(2, group, 16));
  for (const std::int64_t width : {8, 16, 40, 64, 80, 96, 128})
    expect_fused(layout_of({70, 3}), options_of(1, 2, width));
  for (const std::int32_t length : {2, 63, 64, 65, 127, 128, 129, 1000})
    expect_fused(layout_of({length}), options_of(2, 3, 64));
  for (const std::int64_t window : {1, 2, 63, 64, 65, 199, 200, 1000})
    expect_fused(layout_of({200, 5, 66}), options_of(1, 4, 64, window));
  std::vector<std::int32_t> lengths(40);
  std::iota(lengths.begin(), lengths.end(), 1);
  expect_fused(layout_of(lengths), options_of(2, 2, 64));
}

TEST_F(FusedAttention, WhatItCannotDoIsComposed) {
  const PackedLayout layout = layout_of({70, 3}), ones = layout_of({1, 1, 1});
  const auto refused = [](const PackedLayout& where, const AttentionOptions& o, at::ScalarType dtype) {
    EXPECT_FALSE(can_fuse_attention(random_inputs(where, o, dtype).qkv, where, o));
    expect_reference(where, o, dtype);
  };
  refused(layout, options_of(1, 2, 64), at::kFloat);
  refused(layout, options_of(1, 2, 12), at::kBFloat16);
  refused(layout, options_of(1, 2, 160), at::kBFloat16);
  refused(ones, options_of(1, 2, 64), at::kBFloat16);
}

TEST_F(FusedAttention, RepeatsInEveryBit) {
  const PackedLayout layout = layout_of({700, 30, 300});
  const AttentionOptions o = options_of(2, 4, 64);
  const Inputs inputs = random_inputs(layout, o, at::kBFloat16);
  const Outcome first = run(inputs, layout, o);
  for (int again = 0; again < 5; ++again) {
    const Outcome found = run(inputs, layout, o);
    EXPECT_TRUE(at::equal(found.out, first.out));
    EXPECT_TRUE(at::equal(found.d_qkv, first.d_qkv));
  }
  EXPECT_FALSE(at::globalContext().deterministicAlgorithms());
}

}  // namespace
}  // namespace caravan::models
