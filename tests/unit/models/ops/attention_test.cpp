// Document attention: kernels against plain bmm and softmax, in both types, over groups, widths, lengths and
// windows.
#include "models/ops/attention.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "models/ops/composed_ops.h"
#include "models/ops/cpu/kernels.h"
#include "tests/support/close.h"
#include "tests/support/instruction_set.h"
#include "tests/unit/models/ops/attention_cases.h"

namespace caravan::models {

namespace cpu {
KernelTable<float> avx2_float_kernels();
KernelTable<c10::BFloat16> avx2_bf16_kernels();
KernelTable<float> avx512_float_kernels();
KernelTable<c10::BFloat16> avx512_bf16_kernels();
}  // namespace cpu

namespace {

using tests::close;
using namespace attention_cases;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class Attention : public testing::TestWithParam<at::ScalarType> {};

TEST_P(Attention, AllGroupSizes) {
  for (std::int64_t group = 1; group <= 8; ++group)
    expect_reference(layout_of({1, 65, 30}), options_of(2, group, 16), GetParam());
}

TEST_P(Attention, AllHeadWidths) {
  for (const std::int64_t width : {2, 8, 10, 12, 16, 18, 24, 32, 40, 64, 72, 80, 96, 128})
    expect_reference(layout_of({70, 3}), options_of(1, 2, width), GetParam());
}

TEST_P(Attention, AllLengths) {
  for (const std::int32_t length : {1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 128, 129, 200})
    for (const std::int64_t group : {1, 3})
      expect_reference(layout_of({length}), options_of(1, group, 12), GetParam());
}

TEST_P(Attention, AllWindows) {
  for (const std::int64_t window : {1, 2, 16, 63, 64, 65, 128, 199, 200, 1000})
    for (const std::int64_t group : {1, 4})
      expect_reference(layout_of({200, 5, 66}), options_of(1, group, 16, window), GetParam());
}

// Longer than the blocks in which the composed operations go.
TEST_P(Attention, LongDocuments) {
  for (const std::int64_t window : {0, 100, 512, 700})
    expect_reference(layout_of({1100, 3}), options_of(2, 2, 8, window), GetParam());
}

TEST_P(Attention, ManyDocuments) {
  std::vector<std::int32_t> lengths(40);
  std::iota(lengths.begin(), lengths.end(), 1);
  expect_reference(layout_of(lengths), options_of(2, 2, 8), GetParam());
  expect_reference(layout_of(std::vector<std::int32_t>(100, 1)), options_of(2, 2, 8), GetParam());
}

TEST_P(Attention, SharedPrefixes) {
  if (!tests::test_device().is_cpu()) GTEST_SKIP() << "only attention on the CPU shares prefixes";
  for (const std::int32_t prefix : {1, 15, 64, 65, 130})
    for (const std::int64_t window : {0, 1, 70})
      expect_reference(shared_layout(prefix, {1, 70, 3, 64}), options_of(2, 3, 12, window), GetParam());
}

// What shares its prefix is what carries a copy of it: outputs bit for bit, gradients of the prefix as the
// sum over the copies.
TEST_P(Attention, SharedPrefixesAreCopiesOfThem) {
  if (!tests::test_device().is_cpu()) GTEST_SKIP() << "only attention on the CPU shares prefixes";
  for (const std::int64_t window : {0, 50}) {
    const AttentionOptions o = options_of(2, 2, 16, window);
    const std::vector<std::int32_t> own{5, 66, 1};
    const std::int32_t prefix = 75;
    const PackedLayout shared = shared_layout(prefix, own), copied = layout_of({80, 141, 76});
    const Inputs inputs = random_inputs(shared, o, GetParam());
    Inputs copies{{}, at::zeros({copied.num_tokens(), inputs.d_out.size(1)}, GetParam())};
    std::vector<at::Tensor> qkv;
    for (std::size_t d = 0; d < own.size(); ++d) {
      const std::int64_t start = d == 0 ? prefix : shared.doc_starts[d];
      qkv.push_back(inputs.qkv.narrow(0, 0, prefix));
      qkv.push_back(inputs.qkv.narrow(0, start, own[d]));
      copies.d_out.narrow(0, copied.doc_starts[d] + prefix, own[d])
          .copy_(inputs.d_out.narrow(0, start, own[d]));
    }
    copies.d_out.narrow(0, 0, prefix).copy_(inputs.d_out.narrow(0, 0, prefix));
    copies.qkv = at::cat(qkv);
    const Outcome found = run(inputs, shared, o), wanted = run(copies, copied, o);
    at::Tensor d_prefix = at::zeros({prefix, inputs.qkv.size(1)});
    for (std::size_t d = 0; d < own.size(); ++d) {
      const std::int64_t start = d == 0 ? prefix : shared.doc_starts[d], at = copied.doc_starts[d] + prefix;
      EXPECT_TRUE(at::equal(found.out.narrow(0, start, own[d]), wanted.out.narrow(0, at, own[d])));
      EXPECT_TRUE(at::equal(found.lse.narrow(1, start, own[d]), wanted.lse.narrow(1, at, own[d])));
      EXPECT_TRUE(at::equal(found.d_qkv.narrow(0, start, own[d]), wanted.d_qkv.narrow(0, at, own[d])));
      d_prefix.add_(wanted.d_qkv.narrow(0, copied.doc_starts[d], prefix));
    }
    const double largest = d_prefix.abs().max().item<double>();
    EXPECT_TRUE(close(found.d_qkv.narrow(0, 0, prefix), d_prefix,
                      (GetParam() == at::kFloat ? 1e-6 : 0x1p-6) * largest));
  }
}

TEST_P(Attention, ThreadsChangeNoBitOfSharedPrefixes) {
  const AttentionOptions o = options_of(3, 2, 16);
  const PackedLayout layout = shared_layout(90, {10, 70, 33, 5, 64});
  const Inputs inputs = random_inputs(layout, o, GetParam());
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Outcome one = run(inputs, layout, o);
  at::set_num_threads(3);
  const Outcome three = run(inputs, layout, o);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one.out, three.out) && at::equal(one.lse, three.lse));
  EXPECT_TRUE(at::equal(one.d_qkv, three.d_qkv));
}

// A document's result is the same bit for bit wherever it lies and whatever lies beside it.
TEST_P(Attention, NeighboursChangeNoBit) {
  const AttentionOptions o = options_of(2, 3, 20);
  const PackedLayout alone = layout_of({77});
  const Inputs own = random_inputs(alone, o, GetParam());
  const Outcome wanted = run(own, alone, o);
  const PackedLayout packed = layout_of({33, 77, 128});
  Inputs all = random_inputs(packed, o, GetParam());
  all.qkv.narrow(0, 33, 77).copy_(own.qkv);
  all.d_out.narrow(0, 33, 77).copy_(own.d_out);
  const Outcome found = run(all, packed, o);
  EXPECT_TRUE(at::equal(found.out.narrow(0, 33, 77), wanted.out));
  EXPECT_TRUE(at::equal(found.lse.narrow(1, 33, 77), wanted.lse));
  EXPECT_TRUE(at::equal(found.d_qkv.narrow(0, 33, 77), wanted.d_qkv));
}

TEST_P(Attention, ThreadsChangeNoBit) {
  const AttentionOptions o = options_of(2, 3, 16);
  const PackedLayout layout = layout_of({100, 7, 66, 1, 30});
  const Inputs inputs = random_inputs(layout, o, GetParam());
  const int before = at::get_num_threads();
  std::vector<Outcome> outcomes;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    outcomes.push_back(run(inputs, layout, o));
  }
  at::set_num_threads(before);
  for (std::size_t i = 1; i < outcomes.size(); ++i) {
    EXPECT_TRUE(at::equal(outcomes[i].out, outcomes[0].out));
    EXPECT_TRUE(at::equal(outcomes[i].lse, outcomes[0].lse));
    EXPECT_TRUE(at::equal(outcomes[i].d_qkv, outcomes[0].d_qkv));
  }
}

// Scores in the thousands: the running maximum must move without overflow, forward and backward.
TEST_P(Attention, LargeScoresDoNotOverflow) {
  const AttentionOptions o = options_of(1, 2, 16);
  const PackedLayout layout = layout_of({150});
  const Inputs inputs = random_inputs(layout, o, GetParam(), 40.0);
  const Outcome found = run(inputs, layout, o), wanted = reference(inputs, layout, o);
  EXPECT_TRUE(found.d_qkv.isfinite().all().item<bool>());
  EXPECT_TRUE(close(found.out, wanted.out, GetParam() == at::kFloat ? 0.05 : 2.0));
  EXPECT_TRUE(close(found.lse / wanted.lse, at::ones_like(wanted.lse), 1e-5));
}

// A bad number in q, k or v of token t: every later output that depends on it is bad, and so are gradients;
// other documents stay clean.
TEST_P(Attention, NanIsNeverHidden) {
  const AttentionOptions o = options_of(1, 2, 12);
  const PackedLayout layout = layout_of({30, 100, 20});
  for (const std::int64_t token : {30, 75, 93, 129})
    for (const std::int64_t column : {0, 23, 24, 35, 36, 47}) {  // first and last of q, k, v
      SCOPED_TRACE("token " + std::to_string(token) + " column " + std::to_string(column));
      Inputs inputs = random_inputs(layout, o, GetParam());
      inputs.qkv[token][column] = kNan;
      const Outcome found = run(inputs, layout, o);
      const at::Tensor bad = found.out.isfinite().all(1).logical_not();
      const std::int64_t last = column < 24 ? token + 1 : 130;
      EXPECT_TRUE(bad.narrow(0, token, last - token).all().item<bool>());
      EXPECT_FALSE(bad.narrow(0, 0, 30).any().item<bool>() || bad.narrow(0, 130, 20).any().item<bool>());
      const at::Tensor bad_gradient = found.d_qkv.isfinite().all(1).logical_not();
      EXPECT_TRUE(bad_gradient.narrow(0, 30, 100).any().item<bool>());
      EXPECT_FALSE(bad_gradient.narrow(0, 0, 30).any().item<bool>() ||
                   bad_gradient.narrow(0, 130, 20).any().item<bool>());
    }
  Inputs inputs = random_inputs(layout, o, GetParam());
  inputs.d_out[60][3] = kNan;
  const at::Tensor bad = run(inputs, layout, o).d_qkv.isnan().any(1);
  EXPECT_TRUE(bad.narrow(0, 30, 31).all().item<bool>());
  EXPECT_FALSE(bad.narrow(0, 0, 30).any().item<bool>() || bad.narrow(0, 130, 20).any().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Types, Attention, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& test) { return test.param == at::kFloat ? "fp32" : "bf16"; });

TEST(AttentionGradient, IsThatOfDoubleAutograd) {
  const AttentionOptions o = options_of(2, 2, 6, 5);
  const PackedLayout layout = layout_of({11});
  const Inputs inputs = random_inputs(layout, o, at::kFloat);
  at::Tensor qkv = inputs.qkv.to(at::kDouble).requires_grad_();
  const at::Tensor rows = qkv.view({11, 8, 6}).transpose(0, 1);
  const at::Tensor q = rows.narrow(0, 0, 4), k = rows.narrow(0, 4, 2).repeat_interleave(2, 0),
                   v = rows.narrow(0, 6, 2).repeat_interleave(2, 0);
  const at::Tensor distance = at::arange(11).unsqueeze(1) - at::arange(11).unsqueeze(0);
  const at::Tensor hidden = distance.lt(0).logical_or(distance.ge(5));
  const at::Tensor weights = (at::bmm(q, k.transpose(1, 2)) / std::sqrt(6.0))
                                 .masked_fill(hidden, -std::numeric_limits<double>::infinity())
                                 .softmax(2);
  at::bmm(weights, v).transpose(0, 1).reshape({11, 24}).backward(inputs.d_out.to(at::kDouble));
  EXPECT_TRUE(close(run(inputs, layout, o).d_qkv, qkv.grad(), 3e-6));
}

// Finite differences know nothing of any formula.
TEST(AttentionGradient, IsThatOfFiniteDifferences) {
  const AttentionOptions o = options_of(1, 2, 4, 3);
  const PackedLayout layout = layout_of({5, 2});
  const Inputs inputs = random_inputs(layout, o, at::kFloat);
  const Outcome found = run(inputs, layout, o);
  at::Tensor qkv = inputs.qkv.clone();
  const auto value = [&] {
    return (attention(qkv, layout, o).first.to(at::kDouble) * inputs.d_out.to(at::kDouble))
        .sum()
        .item<double>();
  };
  const float h = 0.02f;
  for (std::int64_t i = 0; i < qkv.numel(); ++i) {
    float& x = qkv.data_ptr<float>()[i];
    const float start = x;
    const auto moved = [&](float by) {
      x = start + by;
      return value();
    };
    const double slope =
        (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * static_cast<double>(h));
    x = start;
    EXPECT_NEAR(slope, found.d_qkv.data_ptr<float>()[i], 2e-4) << "element " << i;
  }
}

TEST(AttentionChecks, WrongShapesAndTypesAreRefused) {
  const AttentionOptions o = options_of(1, 2, 4);
  const PackedLayout layout = layout_of({5});
  EXPECT_THROW(attention(at::zeros({5, 15}), layout, o), c10::Error);
  EXPECT_THROW(attention(at::zeros({6, 16}), layout, o), c10::Error);
  EXPECT_THROW(attention(at::zeros({5, 16}, at::kHalf), layout, o), c10::Error);
  EXPECT_THROW(attention(at::zeros({5, 32}).narrow(1, 0, 16), layout, o), c10::Error);
  EXPECT_THROW(attention(at::zeros({5, 20}), layout, options_of(1, 2, 5)),
               c10::Error);  // bf16 pairs need an even width
}

TEST(AttentionChecks, WrongPrefixesAreRefused) {
  const AttentionOptions o = options_of(1, 2, 4);
  const PackedLayout good = shared_layout(4, {2, 3, 3});
  const auto refused = [&](const std::function<void(PackedLayout&)>& change) {
    PackedLayout layout = good;
    change(layout);
    EXPECT_THROW(attention(at::zeros({12, 16}), layout, o), c10::Error);
  };
  EXPECT_NO_THROW(attention(at::zeros({12, 16}), good, o));
  refused([](PackedLayout& layout) { layout.prefix_lengths.pop_back(); });
  refused([](PackedLayout& layout) { layout.prefix_starts[1] = 2; });   // not a document's beginning
  refused([](PackedLayout& layout) { layout.prefix_starts[1] = 6; });   // its own
  refused([](PackedLayout& layout) { layout.prefix_starts[2] = 6; });   // of one that has a prefix
  refused([](PackedLayout& layout) { layout.prefix_lengths[1] = 7; });  // more than there is
  refused([](PackedLayout& layout) { layout.prefix_lengths[1] = -1; });
}

// The two builds order their sums differently and may differ by rounding alone.
template <class T>
void compare_instruction_sets(const cpu::KernelTable<T>& narrow, const cpu::KernelTable<T>& wide,
                              double tolerance) {
  const auto dtype = c10::CppTypeToScalarType<T>::value;
  for (const std::int64_t width : {10, 16, 64, 80})
    for (const std::int64_t window : {0, 20}) {
      const AttentionOptions o = options_of(1, 3, width, window);
      const PackedLayout layout = layout_of({90});
      const Inputs inputs = random_inputs(layout, o, dtype);
      const std::int64_t row = 5 * width;
      const cpu::AttentionShape shape{90, 3, width, window, o.scale, row, row, 3 * width};
      const auto run_with = [&](const cpu::KernelTable<T>& kernels) {
        at::Tensor out = at::empty({90, 3 * width}, dtype), lse = at::empty({90, 3}),
                   d = at::empty({90, row}, dtype);
        const T *q = inputs.qkv.template const_data_ptr<T>(), *k = q + 3 * width, *v = k + width;
        const cpu::AttentionRows<T> rows{q, k, v};
        kernels.attention(shape, rows, out.template data_ptr<T>(), lse.data_ptr<float>());
        T* dq = d.template data_ptr<T>();
        kernels.attention_backward(shape, rows, out.template const_data_ptr<T>(), lse.data_ptr<float>(),
                                   inputs.d_out.template const_data_ptr<T>(),
                                   {dq, dq + 3 * width, dq + 4 * width});
        return Outcome{out, lse, d};
      };
      const Outcome a = run_with(narrow), b = run_with(wide);
      EXPECT_TRUE(close(a.out, b.out, tolerance * b.out.abs().max().item<double>())) << "width " << width;
      EXPECT_TRUE(close(a.lse, b.lse, 1e-5)) << "width " << width;
      EXPECT_TRUE(close(a.d_qkv, b.d_qkv, 3 * tolerance * b.d_qkv.abs().max().item<double>()))
          << "width " << width;
    }
}

TEST(KernelIsa, Avx2EqualsAvx512) {
  SKIP_WITHOUT_AVX512_BF16();
  compare_instruction_sets(cpu::avx2_float_kernels(), cpu::avx512_float_kernels(), 2e-6);
  compare_instruction_sets(cpu::avx2_bf16_kernels(), cpu::avx512_bf16_kernels(), 0x1p-7);
}

TEST(KernelIsa, TheEnvironmentChooses) {
  const char* wanted = std::getenv("CARAVAN_CPU_ISA");
  EXPECT_STREQ(cpu::kernel_isa(), wanted != nullptr || !tests::has_avx512_bf16() ? "avx2" : "avx512");
}

TEST(KernelIsa, AllTestsPassWithAvx2) {
  tests::expect_passes_with_avx2(
      "*RowOps*:*Swiglu*:*Attention*:*ModelGoldens*:KernelIsa.TheEnvironmentChooses");
}

}  // namespace
}  // namespace caravan::models
