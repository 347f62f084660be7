// The row kernels of cross entropy: against LibTorch's operations, against fp64, between instruction sets, at
// the edges of fp32 and bf16.
#include "losses/softmax_rows.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "losses/cpu/softmax_kernel.h"
#include "tests/support/close.h"
#include "tests/support/instruction_set.h"

namespace caravan::losses {

namespace cpu {
SoftmaxKernel<float> softmax_avx2_float();
SoftmaxKernel<c10::BFloat16> softmax_avx2_bf16();
SoftmaxKernel<float> softmax_avx512_float();
SoftmaxKernel<c10::BFloat16> softmax_avx512_bf16();
}  // namespace cpu

namespace {

using tests::close;

struct Rows {
  at::Tensor logits_NV, targets_N, weights_N;
};

Rows random_rows(std::int64_t rows, std::int64_t width, double spread, std::uint64_t seed = 1) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return {at::randn({rows, width}, generator) * spread, at::randint(width, {rows}, generator, at::kLong),
          at::rand({rows}, generator) + 0.5};
}

struct Result {
  RowTerms terms;
  at::Tensor gradient;
};
Result run(const Rows& rows, at::ScalarType dtype, const CrossEntropyOptions& options,
           bool reference = false) {
  at::Tensor logits = rows.logits_NV.to(dtype).clone();
  const RowTerms terms = reference
                             ? cross_entropy_rows_reference_(logits, rows.targets_N, rows.weights_N, options)
                             : cross_entropy_rows_(logits, rows.targets_N, rows.weights_N, options);
  return {terms, logits};
}

// The definition, in fp64, by automatic differentiation of nothing: softmax written out.
Result in_double(const Rows& rows, const CrossEntropyOptions& o) {
  const at::Tensor raw = rows.logits_NV.to(at::kDouble), target = rows.targets_N.unsqueeze(1);
  const at::Tensor capped = o.softcap > 0 ? o.softcap * (raw / o.softcap).tanh() : raw,
                   x = capped / o.temperature;
  const at::Tensor log_p = x.log_softmax(1), log_sum = x.logsumexp(1),
                   log_prob = log_p.gather(1, target).squeeze(1);
  const double V = static_cast<double>(x.size(1));
  const at::Tensor z = o.z_loss * log_sum.square();
  const at::Tensor loss = -(1 - o.label_smoothing) * log_prob - o.label_smoothing * log_p.sum(1) / V + z;
  at::Tensor d = log_p.exp() * (1.0 + 2.0 * o.z_loss * log_sum).unsqueeze(1) - o.label_smoothing / V;
  d = d.scatter_add(1, target, at::full({x.size(0), 1}, -(1.0 - o.label_smoothing), d.options()));
  if (o.softcap > 0) d = d * (1.0 - (raw / o.softcap).tanh().square());
  const at::Tensor entropy = -(log_p.exp() * log_p).sum(1);
  return {{loss, z, log_prob, entropy},
          d * (rows.weights_N.to(at::kDouble) * o.gradient_scale / o.temperature).unsqueeze(1)};
}

std::vector<CrossEntropyOptions> all_options() {
  std::vector<CrossEntropyOptions> all;
  for (const double smoothing : {0.0, 0.1})
    for (const double z : {0.0, 1e-3})
      for (const double cap : {0.0, 3.0})
        for (const double temperature : {1.0, 0.7}) {
          CrossEntropyOptions options;
          options.label_smoothing = smoothing;
          options.z_loss = z;
          options.softcap = cap;
          options.temperature = temperature;
          options.gradient_scale = 0.25;
          all.push_back(options);
        }
  return all;
}

std::string name_of(const CrossEntropyOptions& o) {
  return "smoothing " + std::to_string(o.label_smoothing) + " z " + std::to_string(o.z_loss) + " softcap " +
         std::to_string(o.softcap) + " temperature " + std::to_string(o.temperature);
}

// Widths around both vector widths: what a partial vector is filled up with must never count.
class SoftmaxRows : public testing::TestWithParam<std::int64_t> {};

TEST_P(SoftmaxRows, EqualTheDefinitionInDouble) {
  const Rows rows = random_rows(9, GetParam(), 3.0);
  for (const CrossEntropyOptions& options : all_options())
    for (const bool reference : {false, true}) {
      SCOPED_TRACE(name_of(options) + (reference ? ", reference" : ", kernel"));
      const Result found = run(rows, at::kFloat, options, reference), wanted = in_double(rows, options);
      EXPECT_TRUE(close(found.terms.loss_N, wanted.terms.loss_N, 1e-5));
      EXPECT_TRUE(close(found.terms.z_N, wanted.terms.z_N, 1e-6));
      EXPECT_TRUE(close(found.terms.log_probs_N, wanted.terms.log_probs_N, 1e-5));
      EXPECT_TRUE(close(found.gradient, wanted.gradient, 2e-6));
    }
}

TEST_P(SoftmaxRows, EntropyIsThatOfTheDefinition) {
  Rows rows = random_rows(9, GetParam(), 3.0);
  // One row is certain, one knows nothing.
  rows.logits_NV[0].fill_(-200.0);
  rows.logits_NV[0][0] = 200.0;
  rows.logits_NV[1].fill_(7.0);
  rows.logits_NV = rows.logits_NV.to(at::kBFloat16).to(at::kFloat);
  for (CrossEntropyOptions options : all_options())
    for (const bool gradient : {true, false}) {
      options.entropy = true;
      options.gradient = gradient;
      const at::Tensor wanted = in_double(rows, options).terms.entropy_N;
      SCOPED_TRACE(name_of(options));
      for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
        EXPECT_TRUE(close(run(rows, dtype, options).terms.entropy_N, wanted, 2e-5));
      EXPECT_TRUE(close(run(rows, at::kFloat, options, true).terms.entropy_N, wanted, 2e-5));
    }
}

// Tokens that are ruled out add nothing; and that somebody asks changes no other number.
TEST(SoftmaxRowsEntropy, RuledOutTokensAndOtherNumbers) {
  Rows rows = random_rows(4, 50, 2.0);
  rows.targets_N.fill_(1);
  CrossEntropyOptions options;
  const Result plain = run(rows, at::kFloat, options);
  options.entropy = true;
  const Result asked = run(rows, at::kFloat, options);
  EXPECT_TRUE(at::equal(plain.terms.log_probs_N, asked.terms.log_probs_N));
  EXPECT_TRUE(at::equal(plain.gradient, asked.gradient));
  EXPECT_FALSE(plain.terms.entropy_N.defined());
  Rows ruled = rows;
  ruled.logits_NV = rows.logits_NV.clone();
  ruled.logits_NV.narrow(1, 10, 40).fill_(-std::numeric_limits<float>::infinity());
  const at::Tensor log_p = rows.logits_NV.narrow(1, 0, 10).to(at::kDouble).log_softmax(1);
  for (const bool reference : {false, true})
    EXPECT_TRUE(close(run(ruled, at::kFloat, options, reference).terms.entropy_N,
                      -(log_p.exp() * log_p).sum(1), 1e-5));
}

TEST_P(SoftmaxRows, Bf16IsTheRoundedResultOfTheRoundedLogits) {
  Rows rows = random_rows(9, GetParam(), 3.0);
  rows.logits_NV = rows.logits_NV.to(at::kBFloat16).to(at::kFloat);
  for (const CrossEntropyOptions& options : all_options()) {
    SCOPED_TRACE(name_of(options));
    const Result found = run(rows, at::kBFloat16, options), wanted = in_double(rows, options);
    EXPECT_TRUE(close(found.terms.loss_N, wanted.terms.loss_N, 1e-5));
    EXPECT_TRUE(close(found.terms.log_probs_N, wanted.terms.log_probs_N, 1e-5));
    // Each probability is rounded twice: once as exp, once as gradient. Smoothing is subtracted in between.
    const at::Tensor error = (found.gradient.to(at::kDouble) - wanted.gradient).abs();
    const double subtracted = options.label_smoothing * options.gradient_scale * 1.5 / options.temperature /
                              static_cast<double>(GetParam());
    EXPECT_LE((error - (wanted.gradient.abs() + subtracted) * 0x1p-7).max().item<double>(), 1e-6);
  }
}

TEST_P(SoftmaxRows, WithoutGradientLogitsStay) {
  const Rows rows = random_rows(5, GetParam(), 3.0);
  for (CrossEntropyOptions options : all_options()) {
    const Result with = run(rows, at::kFloat, options);
    options.gradient = false;
    const Result without = run(rows, at::kFloat, options);
    EXPECT_TRUE(at::equal(without.gradient, rows.logits_NV));
    EXPECT_TRUE(at::equal(without.terms.loss_N, with.terms.loss_N));
    EXPECT_TRUE(at::equal(without.terms.log_probs_N, with.terms.log_probs_N));
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, SoftmaxRows, testing::Values(1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 101, 1000));

TEST(SoftmaxRowsEdges, NanAndInfinityAreNeverHidden) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
      for (const std::int64_t at : {0, 15, 16, 36})
        for (const CrossEntropyOptions& options : all_options()) {
          if (std::isinf(bad) && options.softcap > 0) continue;  // a softcap makes infinity finite, rightly
          Rows rows = random_rows(3, 37, 2.0);
          rows.targets_N.fill_(20);
          rows.logits_NV[1][at] = bad;
          const Result found = run(rows, dtype, options);
          SCOPED_TRACE(name_of(options));
          EXPECT_EQ(found.terms.loss_N.isfinite().sum().item<std::int64_t>(), 2) << found.terms.loss_N;
          EXPECT_FALSE(found.terms.loss_N[1].isfinite().item<bool>());
          EXPECT_FALSE(found.gradient[1].isfinite().all().item<bool>());
          EXPECT_TRUE(found.gradient[0].isfinite().all().item<bool>() &&
                      found.gradient[2].isfinite().all().item<bool>());
        }
}

// A masked vocabulary entry: probability 0, gradient 0, no NaN.
TEST(SoftmaxRowsEdges, MinusInfinityIsAnImpossibleToken) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Rows rows = random_rows(2, 37, 2.0);
    rows.targets_N.fill_(3);
    rows.logits_NV.narrow(1, 30, 7).fill_(-std::numeric_limits<float>::infinity());
    const Result found = run(rows, dtype, {});
    EXPECT_TRUE(found.terms.loss_N.isfinite().all().item<bool>());
    EXPECT_EQ(found.gradient.narrow(1, 30, 7).count_nonzero().item<std::int64_t>(), 0);
  }
}

TEST(SoftmaxRowsEdges, HugeLogitsDoNotOverflow) {
  Rows rows = random_rows(4, 50, 1.0);
  rows.logits_NV = rows.logits_NV * 1e4 - 3e4;
  const Result found = run(rows, at::kFloat, {}), wanted = in_double(rows, {});
  EXPECT_TRUE(close(found.terms.loss_N / wanted.terms.loss_N, at::ones({4}), 1e-6));
  EXPECT_TRUE(close(found.gradient, wanted.gradient, 1e-6));
}

// A token that is nearly certain: its loss and its gradient p - 1 are small, and must keep their digits in
// both types.
TEST(SoftmaxRowsEdges, ConfidentTargetsKeepTheirGradient) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const CrossEntropyOptions& options : {CrossEntropyOptions{}, [] {
                                                 CrossEntropyOptions softened;
                                                 softened.temperature = 0.5;
                                                 return softened;
                                               }()})
      for (const float lead : {4.f, 6.f, 8.f}) {
        Rows rows{at::full({1, 64}, 20.f), at::full({1}, 5, at::kLong), at::ones({1})};
        rows.logits_NV[0][5] = 20.f + lead;
        const Result found = run(rows, dtype, options), wanted = in_double(rows, options);
        const double loss = wanted.terms.loss_N[0].item<double>(),
                     gradient = wanted.gradient[0][5].item<double>();
        EXPECT_NEAR(found.terms.loss_N[0].item<double>() / loss, 1.0, 1e-2) << loss;
        EXPECT_NEAR(found.gradient[0][5].item<double>() / gradient, 1.0, 2e-2) << gradient;
      }
}

TEST(SoftmaxRowsEdges, TargetsOutsideTheVocabularyAreRefused) {
  for (const std::int64_t target : {-1, 10, 1 << 30}) {
    Rows rows = random_rows(2, 10, 1.0);
    rows.targets_N[1] = target;
    EXPECT_THROW(run(rows, at::kFloat, {}), c10::Error);
  }
  Rows rows = random_rows(2, 10, 1.0);
  at::Tensor halves = rows.logits_NV.to(at::kHalf);
  EXPECT_THROW(cross_entropy_rows_(halves, rows.targets_N, rows.weights_N, {}), c10::Error);
}

TEST(SoftmaxRowsEdges, ResultsDoNotDependOnTheNumberOfThreads) {
  const Rows rows = random_rows(67, 333, 3.0);
  const int before = at::get_num_threads();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    at::set_num_threads(1);
    const Result one = run(rows, dtype, {});
    at::set_num_threads(2);
    const Result two = run(rows, dtype, {});
    EXPECT_TRUE(at::equal(one.terms.loss_N, two.terms.loss_N));
    EXPECT_TRUE(at::equal(one.gradient, two.gradient));
  }
  at::set_num_threads(before);
}

// The two builds of the kernel order their sums differently and may differ by rounding alone.
template <class T>
void compare_instruction_sets(cpu::SoftmaxKernel<T> narrow, cpu::SoftmaxKernel<T> wide,
                              double gradient_tolerance) {
  for (const std::int64_t width : {1, 7, 17, 64, 333}) {
    const Rows rows = random_rows(6, width, 3.0);
    for (const CrossEntropyOptions& o : all_options())
      for (std::int64_t row = 0; row < 6; ++row) {
        const cpu::RowOptions options{static_cast<float>(o.label_smoothing),
                                      static_cast<float>(o.z_loss),
                                      static_cast<float>(o.softcap),
                                      static_cast<float>(1.0 / o.temperature),
                                      true,
                                      true};
        at::Tensor a = rows.logits_NV[row].to(c10::CppTypeToScalarType<T>::value).clone(), b = a.clone();
        const std::int64_t target = rows.targets_N[row].item<std::int64_t>();
        const auto x = narrow(a.data_ptr<T>(), width, target, 0.5f, options),
                   y = wide(b.data_ptr<T>(), width, target, 0.5f, options);
        ASSERT_NEAR(x.loss, y.loss, 5e-6) << width << " " << name_of(o);
        ASSERT_NEAR(x.log_prob, y.log_prob, 5e-6);
        ASSERT_NEAR(x.entropy, y.entropy, 2e-5);
        ASSERT_TRUE(close(a, b, gradient_tolerance)) << width << " " << name_of(o);
      }
  }
}

TEST(SoftmaxRowsIsa, Avx2EqualsAvx512) {
  SKIP_WITHOUT_AVX512_BF16();
  compare_instruction_sets(cpu::softmax_avx2_float(), cpu::softmax_avx512_float(), 1e-6);
  compare_instruction_sets(cpu::softmax_avx2_bf16(), cpu::softmax_avx512_bf16(), 0.5 * 0x1p-7);
}

TEST(SoftmaxRowsIsa, AllTestsPassWithAvx2) {
  tests::expect_passes_with_avx2("SoftmaxRows*:*LinearCrossEntropy*");
}

}  // namespace
}  // namespace caravan::losses
