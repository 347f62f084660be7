// AdamW against trajectories of PyTorch's, the exact master of bf16 weights, weight decay by range, norms.
#include "trainer/optim/adamw.h"
#include "trainer/optim/gradient_norm.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "models/ops/composed_scope.h"
#include "tests/support/close.h"
#include "tests/support/shared_data.h"

namespace caravan::trainer {
namespace {

using nlohmann::json;
using tests::close;

at::Tensor tensor_of(const json& values) {
  std::vector<double> flat;
  std::vector<std::int64_t> shape;
  if (values.at(0).is_array()) {
    shape = {static_cast<std::int64_t>(values.size()), static_cast<std::int64_t>(values.at(0).size())};
    for (const json& row : values)
      for (const json& value : row) flat.push_back(value);
  } else {
    shape = {static_cast<std::int64_t>(values.size())};
    for (const json& value : values) flat.push_back(value);
  }
  return at::tensor(flat, at::kDouble).view(shape);
}

OptimizerOptions options_of(const json& params) {
  OptimizerOptions options;
  options.betas = {params.at("betas").at(0), params.at("betas").at(1)};
  options.eps = params.at("eps");
  options.weight_decay = params.at("weight_decay_W");
  return options;
}

// The least-squares problem of the reference, gradients in fp64: loss = 0.5 / n sum (X W + b - Y)^2. W and b
// lie in one flat buffer.
struct Problem {
  explicit Problem(const json& inputs, at::ScalarType dtype)
      : x(tensor_of(inputs.at("X"))), y(tensor_of(inputs.at("Y"))) {
    const at::Tensor w = tensor_of(inputs.at("W")), b = tensor_of(inputs.at("b"));
    num_weights = w.numel();
    start = at::cat({w.flatten(), b}).to(at::kFloat);
    values = start.to(dtype);
  }
  at::Tensor w(const at::Tensor& flat) const {
    return flat.narrow(0, 0, num_weights).view({x.size(1), y.size(1)}).to(at::kDouble);
  }
  at::Tensor b(const at::Tensor& flat) const {
    return flat.narrow(0, num_weights, y.size(1)).to(at::kDouble);
  }
  std::pair<double, at::Tensor> loss_and_gradient() const {
    const double n = static_cast<double>(x.size(0));
    const at::Tensor residual = at::mm(x, w(values)) + b(values) - y;
    return {residual.square().sum().item<double>() * 0.5 / n,
            at::cat({at::mm(x.t(), residual).flatten(), residual.sum(0)}) / n};
  }

  at::Tensor x, y, start, values;
  std::int64_t num_weights = 0;
};

json vector_named(const std::string& name) {
  json vectors;
  std::ifstream(tests::shared_data() / "goldens/losses/optim.json") >> vectors;
  for (const json& vector : vectors)
    if (vector.at("name") == name) return vector;
  throw std::out_of_range("optim.json has no " + name);
}

class AdamWGoldens : public testing::TestWithParam<std::string> {};

TEST_P(AdamWGoldens, ThirtySteps) {
  SKIP_WITHOUT_SHARED_DATA();
  const json vector = vector_named(GetParam());
  const json &params = vector.at("params"), &expected = vector.at("expected");
  const bool bf16 = GetParam() == "adamw_bf16_master_fp32", scheduled = GetParam() == "adamw_scheduled";
  const double tolerance = bf16 ? vector.at("tolerance").get<double>() : 1e-6;
  const double max_norm = params.value("max_grad_norm", 0.0);
  Problem problem(vector.at("inputs"), bf16 ? at::kBFloat16 : at::kFloat);
  AdamW adamw(problem.values, {{0, problem.num_weights}}, options_of(params));
  adamw.set_master(problem.start);
  for (std::int64_t step = 1; step <= 30; ++step) {
    const auto [loss, exact] = problem.loss_and_gradient();
    if (!bf16) {
      EXPECT_NEAR(loss,
                  expected.at("losses_before_step").at(static_cast<std::size_t>(step - 1)).get<double>(),
                  1e-5 * (1 + loss));
    }
    at::Tensor gradient = exact.to(bf16 ? at::kBFloat16 : at::kFloat);
    const double norm = std::sqrt(squares_of_portions(gradient).sum().item<double>());
    const double k = static_cast<double>(step),
                 share = scheduled ? (step <= 6 ? k / 6.0 : (31.0 - k) / 25.0) : 1.0;
    adamw.step(gradient, step, share * params.at("lr").get<double>(),
               max_norm > 0.0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0);
    EXPECT_EQ(gradient.count_nonzero().item<std::int64_t>(), 0);
    const auto wanted = expected.at("after_step").find(std::to_string(step));
    if (wanted == expected.at("after_step").end()) continue;
    EXPECT_TRUE(close(problem.w(adamw.master()), tensor_of(wanted->at("W")), tolerance)) << "step " << step;
    EXPECT_TRUE(close(problem.b(adamw.master()), tensor_of(wanted->at("b")), tolerance)) << "step " << step;
  }
  if (!bf16) return;
  // One unit of bf16 where the master lies at a tie, else equal.
  const at::Tensor wanted =
      at::cat({tensor_of(expected.at("bf16_W")).flatten(), tensor_of(expected.at("bf16_b"))})
          .to(at::kBFloat16);
  const at::Tensor units =
      (problem.values.view(at::kShort).to(at::kInt) - wanted.view(at::kShort).to(at::kInt)).abs();
  EXPECT_LE(units.max().item<int>(), 1);
  EXPECT_LE(units.sum().item<std::int64_t>(), 2);
}

INSTANTIATE_TEST_SUITE_P(All, AdamWGoldens,
                         testing::Values("adamw", "adamw_clipped", "adamw_scheduled",
                                         "adamw_bf16_master_fp32"),
                         [](const auto& test) { return test.param; });

// One element after the other in fp64, from the formula of arXiv 1711.05101.
struct Scalar {
  double p, m = 0.0, v = 0.0;
  void step(double g, std::int64_t t, double rate, double decay, const OptimizerOptions& o) {
    p *= 1.0 - rate * decay;
    m = o.betas[0] * m + (1.0 - o.betas[0]) * g;
    v = o.betas[1] * v + (1.0 - o.betas[1]) * g * g;
    const double k = static_cast<double>(t);
    p -= rate * (m / (1.0 - std::pow(o.betas[0], k))) /
         (std::sqrt(v / (1.0 - std::pow(o.betas[1], k))) + o.eps);
  }
};

// Sizes around the vector width and the portions threads take; ranges that begin and end anywhere.
TEST(AdamW, EqualsTheFormulaInDoubleOnRangesThatDecayAndThatDoNot) {
  OptimizerOptions options;
  options.weight_decay = 0.1;
  const std::int64_t size = (1 << 16) + 77;
  const DecayRanges decay{{3, 20}, {20, 21}, {1000, (1 << 16) + 5}};
  at::Tensor values = at::randn({size}, at::make_generator<at::CPUGeneratorImpl>(5));
  std::vector<Scalar> wanted;
  for (std::int64_t i = 0; i < size; ++i) wanted.push_back({static_cast<double>(values[i].item<float>())});
  const auto decays = [&](std::int64_t i) { return (i >= 3 && i < 21) || (i >= 1000 && i < (1 << 16) + 5); };
  AdamW adamw(values, decay, options);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(6);
  for (std::int64_t step = 1; step <= 3; ++step) {
    at::Tensor gradient = at::randn({size}, generator) * 1e-3;
    const at::Tensor kept = gradient.clone();
    adamw.step(gradient, step, 1e-3, 0.5);
    const float* g = kept.const_data_ptr<float>();
    for (std::int64_t i = 0; i < size; ++i)
      wanted[static_cast<std::size_t>(i)].step(0.5 * static_cast<double>(g[i]), step, 1e-3,
                                               decays(i) ? 0.1 : 0.0, options);
  }
  std::vector<double> flat;
  for (const Scalar& scalar : wanted) flat.push_back(scalar.p);
  EXPECT_TRUE(close(values, at::tensor(flat, at::kDouble), 1e-6));
}

// The default betas and first steps: 1 - 0.999 in fp32 is wrong in the fifth digit, and so would be the
// update.
TEST(AdamW, FirstUpdateIsTheRateToSixDigits) {
  at::Tensor values = at::zeros({100});
  OptimizerOptions options;
  options.eps = 1e-30;
  AdamW adamw(values, {}, options);
  at::Tensor gradient = at::linspace(0.5, 2.0, 100);
  adamw.step(gradient, 1, 1e-2, 1.0);
  EXPECT_TRUE(close(values, at::full({100}, -1e-2), 1e-2 * 5e-7));
}

// Fine-tuning rates: rate * decay = 5e-7 is not a multiple of fp32's last place, and must not be rounded to
// one.
TEST(AdamW, SmallDecayIsNotRounded) {
  const std::int64_t size = 4096;
  at::Tensor values = at::linspace(1.0, 2.0, size);
  const at::Tensor start = values.to(at::kDouble);
  OptimizerOptions options;
  options.weight_decay = 0.1;
  AdamW adamw(values, {{0, size}}, options);
  at::Tensor gradient = at::zeros({size});
  for (std::int64_t step = 1; step <= 20; ++step) adamw.step(gradient, step, 5e-6, 1.0);
  const double wanted = std::pow(1.0 - 5e-7, 20.0),
               found = (values.to(at::kDouble) / start).mean().item<double>();
  EXPECT_NEAR((1.0 - found) / (1.0 - wanted), 1.0, 0.01);
}

TEST(AdamW, BothGradientTypesGiveTheSameWithBf16Values) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(8);
  const at::Tensor start = at::randn({1000}, generator);
  at::Tensor a = start.to(at::kBFloat16), b = a.clone();
  OptimizerOptions options;
  options.weight_decay = 0.05;
  AdamW first(a, {{10, 500}}, options), second(b, {{10, 500}}, options);
  first.set_master(start);
  second.set_master(start);
  for (std::int64_t step = 1; step <= 5; ++step) {
    at::Tensor narrow = at::randn({1000}, generator).to(at::kBFloat16), wide = narrow.to(at::kFloat);
    first.step(narrow, step, 1e-3, 0.7);
    second.step(wide, step, 1e-3, 0.7);
    EXPECT_EQ(narrow.count_nonzero().item<std::int64_t>() + wide.count_nonzero().item<std::int64_t>(), 0);
  }
  EXPECT_TRUE(at::equal(first.master(), second.master()));
  EXPECT_TRUE(at::equal(a, b));
}

// The whole point of the remainder: many updates far below one unit of bf16 must add up.
TEST(AdamW, TinyUpdatesOfBf16WeightsAddUp) {
  at::Tensor values = at::ones({64}, at::kBFloat16);
  AdamW adamw(values, {}, OptimizerOptions{});
  for (std::int64_t step = 1; step <= 1000; ++step) {
    at::Tensor gradient = at::ones({64});
    adamw.step(gradient, step, 1e-5, 1.0);
  }
  EXPECT_TRUE(close(adamw.master(), at::full({64}, 0.99), 2e-5));
  EXPECT_TRUE(close(values, at::full({64}, 0.99), 0.004));
  EXPECT_LT(values[0].item<float>(), 1.f);
}

at::Tensor from_bits(const std::vector<std::uint32_t>& bits) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(bits.size())}, at::kInt);
  std::memcpy(tensor.data_ptr(), bits.data(), bits.size() * sizeof(std::uint32_t));
  return tensor.view(at::kFloat);
}

std::vector<std::uint32_t> hard_bits() {
  std::vector<std::uint32_t> bits;
  std::mt19937 generator(3);
  for (int i = 0; i < 100000; ++i) {
    const auto b = static_cast<std::uint32_t>(generator());
    if (std::isfinite(std::bit_cast<float>(b))) bits.push_back(b);
  }
  // Every exponent and sign at a tie, just beside one, at all ones below the bf16 part (carries), at zero.
  for (std::uint32_t top = 0; top < 0x10000u; top += 0x7f)
    for (const std::uint32_t low : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      if (std::isfinite(std::bit_cast<float>(top << 16 | low))) bits.push_back(top << 16 | low);
  for (const float x :
       {0.f, -0.f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::min(),
        std::numeric_limits<float>::max(), -std::numeric_limits<float>::max(),
        std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
    bits.push_back(std::bit_cast<std::uint32_t>(x));
  return bits;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return at::equal(a.view(at::kInt), b.view(at::kInt));
}

TEST(AdamWMaster, SetMasterKeepsEveryBit) {
  const at::Tensor weights = from_bits(hard_bits());
  at::Tensor values = at::zeros({weights.numel()}, at::kBFloat16);
  AdamW adamw(values, {}, OptimizerOptions{});
  adamw.set_master(weights);
  EXPECT_TRUE(same_bits(adamw.master(), weights));
  // To nearest: no other bf16 is closer. Ties may go either way (ours: away from zero in the bits).
  const at::Tensor even = weights.to(at::kBFloat16);
  const at::Tensor tie = weights.view(at::kInt).bitwise_and(0xffff).eq(0x8000);
  EXPECT_TRUE(at::equal(values.view(at::kShort).masked_select(tie.logical_not()),
                        even.view(at::kShort).masked_select(tie.logical_not())));
  EXPECT_LE((values.view(at::kShort).to(at::kInt) - even.view(at::kShort).to(at::kInt))
                .masked_select(tie)
                .abs()
                .max()
                .item<int>(),
            1);
}

// The kernel's own split and join: a step that changes nothing leaves all bits.
void expect_rate_zero_keeps_every_bit() {
  const at::Tensor weights = from_bits(hard_bits()).masked_select(from_bits(hard_bits()).isfinite());
  for (const at::ScalarType gradient_type : {at::kFloat, at::kBFloat16}) {
    at::Tensor values = at::zeros({weights.numel()}, at::kBFloat16);
    OptimizerOptions options;
    options.weight_decay = 0.1;
    AdamW adamw(values, {{0, weights.numel()}}, options);
    adamw.set_master(weights);
    const at::Tensor before = values.clone();
    at::Tensor gradient = at::ones({weights.numel()}, gradient_type);
    adamw.step(gradient, 1, 0.0, 1.0);
    EXPECT_TRUE(at::equal(adamw.master(), weights));
    EXPECT_TRUE(at::equal(values, before));
  }
}

TEST(AdamWMaster, AStepOfRateZeroKeepsEveryBit) {
  expect_rate_zero_keeps_every_bit();
}

TEST(AdamWMaster, Fp32ValuesAreTheirOwnMaster) {
  const at::Tensor weights = from_bits(hard_bits());
  at::Tensor values = at::zeros({weights.numel()});
  AdamW adamw(values, {}, OptimizerOptions{});
  adamw.set_master(weights);
  EXPECT_TRUE(same_bits(values, weights));
  EXPECT_TRUE(same_bits(adamw.master(), weights));
  EXPECT_EQ(adamw.state().size(), 2u);
}

TEST(AdamWMaster, StateHoldsAllThatAContinuedRunNeeds) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(9);
  const at::Tensor start = at::randn({300}, generator);
  std::vector<at::Tensor> gradients;
  for (int i = 0; i < 6; ++i) gradients.push_back(at::randn({300}, generator));
  const auto run = [&](AdamW& adamw, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      at::Tensor gradient = gradients[i].clone();
      adamw.step(gradient, static_cast<std::int64_t>(i) + 1, 1e-2, 1.0);
    }
  };
  at::Tensor a = at::zeros({300}, at::kBFloat16), b = a.clone(), c = a.clone();
  AdamW whole(a, {{0, 100}}, OptimizerOptions{}), first_half(b, {{0, 100}}, OptimizerOptions{}),
      resumed(c, {{0, 100}}, OptimizerOptions{});
  whole.set_master(start);
  first_half.set_master(start);
  run(whole, 0, 6);
  run(first_half, 0, 3);
  c.copy_(b);
  const auto from = first_half.state(), to = resumed.state();
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_STREQ(from[i].first, to[i].first);
    at::Tensor target = to[i].second;
    target.copy_(from[i].second);
  }
  run(resumed, 3, 6);
  EXPECT_TRUE(same_bits(resumed.master(), whole.master()));
  EXPECT_TRUE(at::equal(a, c));
}

TEST(AdamW, ResultDoesNotDependOnTheNumberOfThreads) {
  const std::int64_t size = 5 * (1 << 16) + 3;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(10);
  const at::Tensor start = at::randn({size}, generator), gradients = at::randn({size}, generator);
  const int before = at::get_num_threads();
  std::vector<at::Tensor> results, sums;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    at::Tensor values = start.clone(), gradient = gradients.clone();
    sums.push_back(squares_of_portions(gradient).sum());
    AdamW adamw(values, {{7, 100000}}, OptimizerOptions{});
    adamw.step(gradient, 1, 1e-2, 1.0);
    results.push_back(values);
  }
  at::set_num_threads(before);
  for (std::size_t i = 1; i < results.size(); ++i) {
    EXPECT_TRUE(at::equal(results[i], results[0]));
    EXPECT_TRUE(at::equal(sums[i], sums[0]));
  }
}

// What other devices run, portion by portion, against the kernel.
TEST(ComposedAdamW, EqualsTheKernel) {
  const std::int64_t size = (1 << 22) + 77;  // more than one portion
  auto generator = at::make_generator<at::CPUGeneratorImpl>(12);
  const at::Tensor start = at::randn({size}, generator);
  OptimizerOptions options;
  options.weight_decay = 0.1;
  const DecayRanges decay{{5, 1000}, {1 << 20, (1 << 22) + 50}};
  for (const auto& [value_type, gradient_type] :
       {std::pair{at::kFloat, at::kFloat}, {at::kBFloat16, at::kFloat}, {at::kBFloat16, at::kBFloat16}}) {
    at::Tensor a = at::zeros({size}, value_type), b = a.clone();
    AdamW kernel(a, decay, options), composed(b, decay, options);
    kernel.set_master(start);
    composed.set_master(start);
    for (std::int64_t step = 1; step <= 3; ++step) {
      at::Tensor first = (at::randn({size}, generator) * 0.01).to(gradient_type), second = first.clone();
      kernel.step(first, step, 1e-2, 0.5);
      const models::ComposedScope scope;
      composed.step(second, step, 1e-2, 0.5);
      EXPECT_EQ(second.count_nonzero().item<std::int64_t>(), 0);
    }
    EXPECT_TRUE(close(composed.master(), kernel.master(), 1e-6)) << value_type << " " << gradient_type;
    const auto found = composed.state(), wanted = kernel.state();
    for (std::size_t i = 0; i < 2; ++i)  // moments: a few units of fp32
      EXPECT_TRUE(
          close(found[i].second, wanted[i].second, 1e-6 * wanted[i].second.abs().max().item<double>()))
          << found[i].first;
  }
}

TEST(ComposedAdamW, AStepOfRateZeroKeepsEveryBit) {
  const models::ComposedScope composed;
  expect_rate_zero_keeps_every_bit();
}

class SquaresOfPortions : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) composed_.emplace();
  }
  std::optional<models::ComposedScope> composed_;
};
INSTANTIATE_TEST_SUITE_P(Ways, SquaresOfPortions, testing::Bool(),
                         [](const auto& test) { return test.param ? "composed" : "kernel"; });

TEST_P(SquaresOfPortions, EqualsDoubleArithmetic) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(11);
  for (const std::int64_t size : {0, 1, 7, 511, 513, (1 << 16) + 1, 200001})
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      const at::Tensor flat =
          (at::randn({size}, generator) * at::randn({size}, generator).mul_(3).exp_()).to(dtype);
      const double wanted = flat.to(at::kDouble).square().sum().item<double>();
      EXPECT_NEAR(squares_of_portions(flat).sum().item<double>(), wanted, 1e-12 * wanted)
          << size << " " << dtype;
    }
}

TEST_P(SquaresOfPortions, NeitherOverflowsNorUnderflowsWhereElementsAreFinite) {
  EXPECT_NEAR(squares_of_portions(at::full({1000}, 1e30)).sum().item<double>(), 1e63, 1e57);
  EXPECT_NEAR(squares_of_portions(at::full({1000}, 1e-30)).sum().item<double>(), 1e-57, 1e-63);
}

TEST_P(SquaresOfPortions, OneBadElementIsSeenAnywhere) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const std::int64_t at : {0, 511, 1000, (1 << 16) + 4}) {
      at::Tensor flat = at::ones({(1 << 16) + 5}, dtype);
      flat[at] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(squares_of_portions(flat).sum().item<double>()));
      flat[at] = -std::numeric_limits<float>::infinity();
      EXPECT_TRUE(std::isinf(squares_of_portions(flat).sum().item<double>()));
    }
}

}  // namespace
}  // namespace caravan::trainer
