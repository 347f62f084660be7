// A reference that follows the policy: its arithmetic, what bf16 would lose, and that it can be gone on from.
#include "trainer/reference/moving_reference.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/trainer/tiny_training.h"

namespace caravan::trainer {
namespace {

// A policy whose fp32 weights are known, and a reference that starts elsewhere.
struct Pair {
  explicit Pair(at::ScalarType dtype, double alpha)
      : policy(tiny_model(tiny_config(1), dtype)),
        reference(tiny_config(1), dtype, at::kCPU),
        policy_units(policy),
        reference_units(reference),
        optimizer(policy_units, OptimizerOptions{}),
        moving((reference.initialize(8), reference_units), policy_units, optimizer, alpha) {}

  models::Llama policy, reference;
  UnitShards policy_units, reference_units;
  ModelOptimizer optimizer;
  MovingReference moving;
};

std::vector<at::Tensor> values_of(const models::Llama& model) {
  std::vector<at::Tensor> values;
  for (const models::FlatUnit& unit : model.units()) values.push_back(unit.values().clone().to(at::kDouble));
  return values;
}

TEST(MovingReference, MixesInFloat) {
  Pair pair(at::kFloat, 0.3);
  const auto before = values_of(pair.reference), policy = values_of(pair.policy);
  pair.moving.mix();
  const auto after = values_of(pair.reference);
  for (std::size_t unit = 0; unit < after.size(); ++unit) {
    EXPECT_LT((after[unit] - (0.7 * before[unit] + 0.3 * policy[unit])).abs().max().item<double>(), 1e-7);
    EXPECT_GT((after[unit] - before[unit]).abs().max().item<double>(), unit == 2 ? -1.0 : 1e-3);
  }
}

TEST(MovingReference, AlphaOneIsThePolicy) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Pair pair(dtype, 1.0);
    pair.moving.mix();
    for (std::size_t unit = 0; unit < pair.policy.units().size(); ++unit)
      EXPECT_TRUE(at::equal(pair.policy.units()[unit].values(), pair.reference.units()[unit].values()));
  }
}

// With alpha 1/1000 no step is as large as half a digit of bf16; only together they get anywhere.
TEST(MovingReference, SmallStepsAddUpInBf16) {
  Pair pair(at::kBFloat16, 0.001);
  const auto before = values_of(pair.reference), policy = values_of(pair.policy);
  for (int i = 0; i < 1000; ++i) pair.moving.mix();
  const double kept = std::pow(0.999, 1000);
  const auto after = values_of(pair.reference);
  for (std::size_t unit = 0; unit < after.size(); ++unit) {
    const at::Tensor wanted = kept * before[unit] + (1.0 - kept) * policy[unit];
    EXPECT_TRUE(at::allclose(after[unit], wanted, 1.0 / 128, 1e-5)) << unit;
  }
}

TEST(MovingReference, GoesOnFromItsState) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Pair whole(dtype, 0.25), stopped(dtype, 0.25), resumed(dtype, 0.25);
    whole.moving.mix();
    stopped.moving.mix();
    auto kept = by_name(stopped.moving.state());
    EXPECT_TRUE(kept.contains("reference.layers.0.values"));
    EXPECT_EQ(kept.contains("reference.layers.0.master_remainder"), dtype == at::kBFloat16);
    for (auto& [name, tensor] : by_name(resumed.moving.state())) tensor.copy_(kept.at(name));
    resumed.moving.state_restored();
    whole.moving.mix();
    resumed.moving.mix();
    for (std::size_t unit = 0; unit < whole.reference.units().size(); ++unit)
      EXPECT_TRUE(
          at::equal(whole.reference.units()[unit].values(), resumed.reference.units()[unit].values()));
  }
}

}  // namespace
}  // namespace caravan::trainer
