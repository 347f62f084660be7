// Rows whose weights come later: kept logits and walking twice give the same, and what is kept is bounded.
#include "losses/row_walk.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/support/close.h"

namespace caravan::losses {
namespace {

using at::Tensor;
using tests::close;

constexpr std::int64_t kVocabulary = 101, kWidth = 16;

struct Head {
  Tensor weight_VD = at::sin(at::arange(kVocabulary * kWidth, at::kFloat) * 0.7).view({kVocabulary, kWidth});
  Tensor d_weight_VD = at::zeros({kVocabulary, kWidth});
  std::int64_t rows = 0;
  OutputHead functions(at::ScalarType dtype) {
    return {kVocabulary,
            [this, dtype](const Tensor& hidden) {
              rows += hidden.size(0);
              return hidden.matmul(weight_VD.to(dtype).t()).contiguous();
            },
            [this, dtype](const Tensor& d_logits, const Tensor& hidden) {
              d_weight_VD += d_logits.t().to(at::kFloat).matmul(hidden.to(at::kFloat));
              return d_logits.matmul(weight_VD.to(dtype));
            }};
  }
};

struct Walked {
  Tensor log_probs, entropy, d_hidden, d_weight;
  std::int64_t rows;
};

Walked walked(std::int64_t count, at::ScalarType dtype, std::int64_t kept_bytes, double temperature = 1.0) {
  Head head;
  const Tensor hidden = at::cos(at::arange(count * kWidth, at::kFloat) * 0.3).view({count, kWidth}).to(dtype);
  const Tensor targets = at::arange(count, at::kLong).remainder(kVocabulary);
  RowWalk walk(hidden, head.functions(dtype), targets, true, kept_bytes, true, temperature);
  const Tensor weights = at::sin(at::arange(count, at::kFloat));
  const Tensor d_hidden = walk.backward(weights);
  return {walk.log_probs_N(), walk.entropy_N(), d_hidden, head.d_weight_VD, head.rows};
}

TEST(RowWalk, KeptOrWalkedTwice) {
  for (const std::int64_t count : {1, 32, 77}) {
    const Walked kept = walked(count, at::kFloat, 1 << 20), twice = walked(count, at::kFloat, 0);
    EXPECT_LT(kept.rows, count + 32);
    EXPECT_GE(twice.rows, 2 * count);
    // Products of ATen round by their shape; those of models do not.
    EXPECT_TRUE(close(kept.log_probs, twice.log_probs, 1e-5));
    EXPECT_EQ(kept.entropy.numel(), count);
    EXPECT_TRUE(close(kept.entropy, twice.entropy, 1e-5));
    EXPECT_TRUE(close(kept.d_hidden, twice.d_hidden, 1e-6));
    EXPECT_TRUE(close(kept.d_weight, twice.d_weight, 1e-5));
    const Walked bf16 = walked(count, at::kBFloat16, 1 << 20);
    EXPECT_TRUE(close(bf16.d_weight, kept.d_weight, 0.03 * kept.d_weight.abs().max().item<double>()));
  }
}

TEST(RowWalk, GradientIsThatOfTheDefinition) {
  for (const double temperature : {1.0, 0.7})
    for (const std::int64_t kept_bytes : {1 << 20, 0}) {
      const std::int64_t count = 40;
      Head head;
      const Tensor hidden =
          at::cos(at::arange(count * kWidth, at::kFloat) * 0.3).view({count, kWidth}).to(at::kDouble);
      const Tensor leaf = hidden.clone().requires_grad_(true),
                   weight = head.weight_VD.to(at::kDouble).requires_grad_(true);
      const Tensor targets = at::arange(count, at::kLong);
      const Tensor log_probs =
          (leaf.matmul(weight.t()) / temperature).log_softmax(1).gather(1, targets.unsqueeze(1)).view(-1);
      const Tensor weights = at::sin(at::arange(count, at::kFloat));
      const auto wanted =
          torch::autograd::grad({-(weights.to(at::kDouble) * log_probs).sum()}, {leaf, weight});
      const Walked found = walked(count, at::kFloat, kept_bytes, temperature);
      EXPECT_TRUE(close(found.log_probs, log_probs.detach(), 1e-5));
      EXPECT_TRUE(close(found.d_hidden, wanted[0], 1e-5));
      EXPECT_TRUE(close(found.d_weight, wanted[1], 1e-5));
    }
}

TEST(RowWalk, NoRows) {
  Head head;
  const Tensor none = at::zeros({0, kWidth});
  RowWalk walk(none, head.functions(at::kFloat), at::zeros({0}, at::kLong), true, 1 << 20);
  EXPECT_EQ(walk.log_probs_N().numel(), 0);
  EXPECT_EQ(walk.backward(at::zeros({0})).size(0), 0);
}

}  // namespace
}  // namespace caravan::losses
