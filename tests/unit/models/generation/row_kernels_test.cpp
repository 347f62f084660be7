// Products of few rows, and the facts of a row of logits, against fp64.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/ops/cpu/kernels.h"
#include "models/ops/gemm.h"
#include "tests/support/close.h"
#include "tests/support/instruction_set.h"

namespace caravan::models {
namespace {

class RowProducts : public testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override { at::manual_seed(3); }
  at::Tensor random(at::IntArrayRef shape) const { return at::randn(shape).to(GetParam()); }
  // Sums in fp32 differ from fp64 in their last bits; a result rounded to bf16 by half a step of its own
  // size.
  double tolerance() const { return GetParam() == at::kFloat ? 3e-5 : 0.07; }
};

TEST_P(RowProducts, EqualFp64ForAllShapes) {
  for (const std::int64_t rows : {1, 2, 3, 7, 8, 9, 13, 16, 17, 32, 33, 50, 64, 65, 97})
    for (const auto& [outputs, depth] : {std::pair<std::int64_t, std::int64_t>{1, 8},
                                         {3, 33},
                                         {4, 64},
                                         {19, 31},
                                         {21, 130},
                                         {66, 576},
                                         {20, 4300}}) {
      const at::Tensor x = random({rows, depth}).div_(std::sqrt(static_cast<double>(depth))),
                       w = random({outputs, depth}), bias = random({outputs}),
                       residual = random({rows, outputs});
      const at::Tensor wanted = at::mm(x.to(at::kDouble), w.to(at::kDouble).t());
      EXPECT_TRUE(tests::close(matmul_nt(x, w), wanted, tolerance()))
          << rows << " x " << outputs << " x " << depth;
      EXPECT_TRUE(tests::close(matmul_nt(x, w, bias), wanted + bias.to(at::kDouble), tolerance()));
      EXPECT_TRUE(tests::close(add_matmul_nt(residual, x, w, bias),
                               wanted + bias.to(at::kDouble) + residual.to(at::kDouble), tolerance()));
    }
}

TEST_P(RowProducts, ReadRowsWithAStride) {
  const at::Tensor x = random({5, 90}).narrow(1, 10, 64), w = random({9, 100}).narrow(1, 3, 64);
  EXPECT_TRUE(at::equal(matmul_nt(x, w), matmul_nt(x.contiguous(), w.contiguous())));
}

TEST_P(RowProducts, ARowIsTheSameInAnyCompanyAndOnAnyNumberOfThreads) {
  const at::Tensor x = random({200, 131}), w = random({77, 131}), residual = random({200, 77});
  const int threads = at::get_num_threads();
  const at::Tensor all = add_matmul_nt(residual, x, w);
  at::set_num_threads(1);
  const at::Tensor one_thread = add_matmul_nt(residual, x, w);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(all, one_thread));
  for (const std::int64_t row : {0, 5, 95, 96, 199})
    for (const std::int64_t rows : {1, 2, 3, 4, 6, 8, 9, 16, 17, 31, 33, 49, 64, 65})
      if (row + rows <= 200) {
        EXPECT_TRUE(at::equal(add_matmul_nt(residual.narrow(0, row, rows), x.narrow(0, row, rows), w),
                              all.narrow(0, row, rows)))
            << rows << " rows from " << row;
      }
}

TEST_P(RowProducts, RefuseWhatDoesNotFit) {
  EXPECT_THROW(matmul_nt(random({2, 8}), random({4, 9})), c10::Error);
  EXPECT_THROW(add_matmul_nt(random({2, 3}), random({2, 8}), random({4, 8})), c10::Error);
}

template <class T>
cpu::RowPeak peak_of(const at::Tensor& row) {
  cpu::RowPeak peak;
  cpu::kernels<T>().row_peak(row.const_data_ptr<T>(), row.numel(), &peak);
  return peak;
}
cpu::RowPeak peak_of(const at::Tensor& row) {
  return row.scalar_type() == at::kFloat ? peak_of<float>(row) : peak_of<c10::BFloat16>(row);
}

TEST_P(RowProducts, PeakAndLogSumExp) {
  for (const std::int64_t count : {1, 15, 16, 17, 1000, 49152}) {
    const at::Tensor row = (random({count}) * 5).to(GetParam());
    const cpu::RowPeak peak = peak_of(row);
    const at::Tensor wide = row.to(at::kDouble);
    EXPECT_EQ(peak.peak, wide.max().item<float>());
    EXPECT_EQ(peak.index, wide.eq(wide.max()).nonzero()[0].item<std::int64_t>()) << "the first of equals";
    EXPECT_NEAR((peak.peak + peak.log_norm), wide.logsumexp(0).item<double>(),
                4e-6 * (1 + std::abs(peak.peak + peak.log_norm)));
  }
}

TEST_P(RowProducts, ARowOfNaNsHasNoPeak) {
  const at::Tensor row = at::full({40}, std::nan(""), at::TensorOptions().dtype(GetParam()));
  EXPECT_FALSE(std::isfinite(peak_of(row).log_norm));
  const at::Tensor one = at::zeros({40}, at::TensorOptions().dtype(GetParam()));
  one[33] = std::nan("");
  EXPECT_FALSE(std::isfinite(peak_of(one).log_norm)) << "one NaN must not go unseen";
}

INSTANTIATE_TEST_SUITE_P(Both, RowProducts, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& test) { return test.param == at::kFloat ? "fp32" : "bf16"; });

TEST(RowProductsIsa, PassWithAvx2) {
  tests::expect_passes_with_avx2("*RowProducts.*:*KvCacheTest.*/kernels");
}

}  // namespace
}  // namespace caravan::models
