// RMS norm, rotary embedding and SwiGLU: kernels against LibTorch's operations and fp64, in both types, at
// awkward widths.
#include "models/ops/row_ops.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/ops/composed_ops.h"
#include "tests/support/close.h"

namespace caravan::models {
namespace {

using tests::close;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// What rounding to a type loses of values up to `size`.
double unit(at::ScalarType dtype, double size = 1.0) {
  return dtype == at::kFloat ? 2e-6 * size : 0x1p-7 * size;
}

struct Case {
  at::ScalarType dtype;
  std::int64_t rows, width;
};
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const std::int64_t rows : {1, 63, 64, 65, 130})
      for (const std::int64_t width : {2, 8, 14, 16, 18, 32, 50, 128, 576})
        all.push_back({dtype, rows, width});
  return all;
}
std::string name_of(const testing::TestParamInfo<Case>& test) {
  return std::string(test.param.dtype == at::kFloat ? "fp32" : "bf16") + "_" +
         std::to_string(test.param.rows) + "x" + std::to_string(test.param.width);
}

class RowOps : public testing::TestWithParam<Case> {
 protected:
  at::Tensor random(std::int64_t rows, std::int64_t width, double scale = 1.0) {
    return (at::randn({rows, width}, generator_) * scale).to(GetParam().dtype);
  }
  at::Generator generator_ = at::make_generator<at::CPUGeneratorImpl>(12);
};

TEST_P(RowOps, RmsNorm) {
  const auto [dtype, rows, width] = GetParam();
  const at::Tensor x = random(rows, width, 3.0), w = random(1, width).view(-1) + 1;
  for (const bool round_first : {true, false}) {
    const NormOptions options{1e-5f, round_first};
    const auto [y, rstd] = rms_norm(x, w, options);
    const auto [wanted, wanted_rstd] = composed::rms_norm(x, w, options);
    EXPECT_EQ(y.scalar_type(), dtype);
    EXPECT_TRUE(close(rstd / wanted_rstd, at::ones({rows}), 1e-6));
    // Both compute in fp32 and round alike; where the two differ in the last place of fp32, rounding may fall
    // to the other side.
    EXPECT_TRUE(close(y, wanted, unit(dtype, wanted.abs().max().item<double>())));
    // In bf16 nearly all are equal in every bit: the order of rounding and product is part of a model.
    if (dtype == at::kBFloat16) {
      EXPECT_LE(y.ne(wanted).sum().item<std::int64_t>(), 1 + y.numel() / 200);
    }
    EXPECT_TRUE(at::equal(rms_norm_again(x, w, rstd, options), y));
  }
}

TEST_P(RowOps, RmsNormOfRowsWithAStride) {
  const auto [dtype, rows, width] = GetParam();
  const at::Tensor wide = random(rows, width + 7, 3.0), x = wide.narrow(1, 5, width),
                   w = random(1, width).view(-1);
  const auto [y, rstd] = rms_norm(x, w, {});
  const auto [wanted, wanted_rstd] = rms_norm(x.contiguous(), w, {});
  EXPECT_TRUE(at::equal(y, wanted));
  EXPECT_TRUE(at::equal(rstd, wanted_rstd));
}

TEST_P(RowOps, RmsNormBackward) {
  const auto [dtype, rows, width] = GetParam();
  const at::Tensor x = random(rows, width, 3.0), w = random(1, width).view(-1) + 1, dy = random(rows, width);
  const at::Tensor rstd = rms_norm(x, w, {}).second;
  at::Tensor gradient = at::full({width}, 0.25), wanted_gradient = gradient.clone();
  const at::Tensor dx = rms_norm_backward(x, w, rstd, dy, gradient);
  const at::Tensor wanted = composed::rms_norm_backward(x, w, rstd, dy, wanted_gradient);
  EXPECT_TRUE(close(dx, wanted, unit(dtype, wanted.abs().max().item<double>())));
  EXPECT_TRUE(close(gradient, wanted_gradient, 1e-5 * std::sqrt(static_cast<double>(rows))));
  EXPECT_TRUE(at::equal(rms_norm_backward(x, w, rstd, dy, {}), dx));
}

TEST_P(RowOps, Swiglu) {
  const auto [dtype, rows, width] = GetParam();
  const at::Tensor gate_up = random(rows, 2 * width, 4.0), d = random(rows, width);
  const at::Tensor act = swiglu(gate_up), wanted = composed::swiglu(gate_up);
  EXPECT_TRUE(close(act, wanted, unit(dtype, wanted.abs().max().item<double>())));
  const at::Tensor d_gate_up = swiglu_backward(gate_up, d), wanted_d = composed::swiglu_backward(gate_up, d);
  EXPECT_TRUE(close(d_gate_up, wanted_d, unit(dtype, wanted_d.abs().max().item<double>())));
}

TEST_P(RowOps, RotateTurnsAndTurnsBack) {
  const auto [dtype, rows, width] = GetParam();
  std::vector<float> frequencies;
  for (std::int64_t i = 0; i < width / 2; ++i)
    frequencies.push_back(
        static_cast<float>(std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(width))));
  const RotaryTable table = make_rotary_table(frequencies, 1.0, 300, dtype, at::kCPU);
  PackedLayout layout;
  for (std::int64_t t = 0; t < rows; ++t) layout.positions.push_back(static_cast<std::int32_t>(t * 37 % 300));
  constexpr std::int64_t kHeads = 3;
  const at::Tensor start = random(rows, 5 * width);  // the two heads behind must not be touched
  at::Tensor found = start.clone(), wanted = start.clone();
  rotate_(found, kHeads, width, table, layout, false);
  composed::rotate_(wanted, kHeads, width, table, layout, false);
  EXPECT_TRUE(close(found, wanted, unit(dtype, 3.0)));
  EXPECT_TRUE(
      at::equal(found.narrow(1, kHeads * width, 2 * width), start.narrow(1, kHeads * width, 2 * width)));
  rotate_(found, kHeads, width, table, layout, true);
  EXPECT_TRUE(close(found, start, dtype == at::kFloat ? 2e-6 : 0.04));
}

// Every number that goes in bad comes out bad in its own row, and in no other.
TEST_P(RowOps, NanStaysVisibleInItsRow) {
  const auto [dtype, rows, width] = GetParam();
  for (const std::int64_t row : {std::int64_t{0}, rows - 1})
    for (const std::int64_t column : {std::int64_t{0}, width - 1}) {
      const auto only_row = [&, row = row](const at::Tensor& y) {
        const at::Tensor bad = y.isnan().any(1);
        return bad[row].item<bool>() && bad.sum().item<std::int64_t>() == 1;
      };
      at::Tensor x = random(rows, width), w = random(1, width).view(-1), dy = random(rows, width),
                 gate_up = random(rows, 2 * width);
      const at::Tensor rstd = rms_norm(x, w, {}).second;
      dy[row][column] = kNan;
      at::Tensor gradient = at::zeros({width});
      EXPECT_TRUE(only_row(rms_norm_backward(x, w, rstd, dy, gradient)));
      EXPECT_TRUE(gradient[column].isnan().item<bool>());
      x[row][column] = kNan;
      EXPECT_TRUE(only_row(rms_norm(x, w, {}).first));
      EXPECT_TRUE(only_row(swiglu_backward(gate_up, dy)));
      gate_up[row][column] = kNan;  // a gate
      EXPECT_TRUE(only_row(swiglu(gate_up)));
      gate_up[row][column] = 0.f;
      gate_up[row][width + column] = kNan;  // an up
      EXPECT_TRUE(only_row(swiglu(gate_up)));
    }
}

INSTANTIATE_TEST_SUITE_P(All, RowOps, testing::ValuesIn(cases()), name_of);

// The kernels' derivatives against fp64 autograd of LibTorch.
TEST(RowOpsGradients, AreThoseOfDoubleAutograd) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(13);
  const at::Tensor x = at::randn({5, 18}, generator), w = at::randn({18}, generator),
                   dy = at::randn({5, 18}, generator);
  at::Tensor x64 = x.to(at::kDouble).requires_grad_(), w64 = w.to(at::kDouble).requires_grad_();
  (x64 * (x64.square().mean(1, true) + 1e-6).rsqrt() * w64).backward(dy.to(at::kDouble));
  at::Tensor gradient = at::zeros({18});
  const at::Tensor rstd = rms_norm(x, w, {}).second;
  EXPECT_TRUE(close(rms_norm_backward(x, w, rstd, dy, gradient), x64.grad(), 3e-6));
  EXPECT_TRUE(close(gradient, w64.grad(), 3e-6));

  const at::Tensor gate_up = at::randn({5, 36}, generator) * 3;
  at::Tensor gate_up64 = gate_up.to(at::kDouble).requires_grad_();
  (at::silu(gate_up64.narrow(1, 0, 18)) * gate_up64.narrow(1, 18, 18)).backward(dy.to(at::kDouble));
  EXPECT_TRUE(close(swiglu_backward(gate_up, dy), gate_up64.grad(), 1e-5));
}

TEST(Swiglu, IsRightFarFromZero) {
  // gate, up = 1: silu runs from -0 to the identity without overflow.
  const at::Tensor gates =
      at::tensor({-1e4f, -200.f, -100.f, -88.f, -30.f, -1e-4f, 0.f, 1e-4f, 30.f, 88.f, 100.f, 1e4f});
  const at::Tensor gate_up = at::cat({gates, at::ones_like(gates)}).unsqueeze(0);
  const at::Tensor wanted = at::silu(gates.to(at::kDouble)).unsqueeze(0), found = swiglu(gate_up);
  EXPECT_TRUE(close(found / wanted.abs().clamp_min(1e-30), wanted / wanted.abs().clamp_min(1e-30), 2e-5));
  const at::Tensor d = swiglu_backward(gate_up, at::ones({1, 12}));
  EXPECT_TRUE(d.isfinite().all().item<bool>());
  EXPECT_TRUE(close(d.narrow(1, 12, 12), wanted, 1e-3));
}

TEST(RowOpsThreads, ChangeNoBit) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(14);
  const int before = at::get_num_threads();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({500, 66}, generator).to(dtype), w = at::randn({66}, generator).to(dtype),
                     dy = at::randn({500, 66}, generator).to(dtype),
                     d_act = at::randn({500, 33}, generator).to(dtype);
    std::vector<std::vector<at::Tensor>> results;
    for (const int threads : {1, 2, 3}) {
      at::set_num_threads(threads);
      at::Tensor gradient = at::zeros({66});
      const auto [y, rstd] = rms_norm(x, w, {});
      const at::Tensor dx = rms_norm_backward(x, w, rstd, dy, gradient);
      results.push_back({y, rstd, dx, gradient, swiglu(x), swiglu_backward(x, d_act)});
    }
    for (std::size_t i = 1; i < results.size(); ++i)
      for (std::size_t j = 0; j < results[0].size(); ++j)
        EXPECT_TRUE(at::equal(results[i][j], results[0][j])) << "result " << j;
  }
  at::set_num_threads(before);
}

TEST(RowOpsChecks, WrongShapesAndTypesAreRefused) {
  const at::Tensor x = at::zeros({4, 8});
  EXPECT_THROW(rms_norm(x, at::zeros({7}), {}), c10::Error);
  EXPECT_THROW(rms_norm(x, at::zeros({8}, at::kBFloat16), {}), c10::Error);
  EXPECT_THROW(rms_norm(x.to(at::kHalf), at::zeros({8}, at::kHalf), {}), c10::Error);
  EXPECT_THROW(swiglu(at::zeros({4, 16}).narrow(1, 0, 8)), c10::Error);
  EXPECT_THROW(swiglu_backward(x, at::zeros({4, 3})), c10::Error);
  const RotaryTable table = make_rotary_table({1.f, 0.5f}, 1.0, 10, at::kFloat, at::kCPU);
  at::Tensor rotated = at::zeros({2, 8});
  EXPECT_THROW(rotate_(rotated, 2, 4, table, PackedLayout{.positions = {0}}, false), c10::Error);
  EXPECT_THROW(rotate_(rotated, 3, 4, table, PackedLayout{.positions = {0, 1}}, false), c10::Error);
  EXPECT_THROW(rotate_(rotated, 2, 4, table, PackedLayout{.positions = {0, 10}}, false), c10::Error);
  EXPECT_THROW(rotate_(rotated, 2, 4, table, PackedLayout{.positions = {0, -1}}, false), c10::Error);
}

}  // namespace
}  // namespace caravan::models
