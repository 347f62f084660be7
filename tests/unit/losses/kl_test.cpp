// Estimates of KL divergence: every reference vector, value and gradient.
#include "losses/kl.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/support/loss_vectors.h"

namespace caravan::losses {
namespace {

using at::Tensor;
using tests::agrees;
using tests::LossVector;

KlOptions options_of(const LossVector& v) {
  const std::string name = v.name();
  KlOptions options;
  options.clamp = v.param("clamp");
  options.importance_weighted = name == "k3_bias_corrected" || name == "ratio_times_k1";
  if (name == "ratio_times_k1") options.clamp = 40.0;
  if (name == "abs") options.estimator = KlEstimator::kAbs;
  if (name.starts_with("k1") || name == "ratio_times_k1") options.estimator = KlEstimator::kK1;
  if (name.starts_with("k2")) options.estimator = KlEstimator::kK2;
  return options;
}

TEST(Kl, Vectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("rl_kl");
  ASSERT_EQ(vectors.size(), 9u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    const Tensor mask = v.input("mask").to(at::kBool);
    const auto tokens = [&](const char* key) { return v.input(key).masked_select(mask); };
    const auto rows = [&](const Tensor& x_T) {
      return at::zeros(mask.sizes(), at::kDouble).masked_scatter(mask, x_T);
    };
    const Tensor policy = tokens("logps").requires_grad_(true);
    const Tensor old = v.has("old_logps") ? tokens("old_logps") : Tensor();
    const Tensor kl = kl_estimate(policy, tokens("ref_logps"), old, options_of(v));
    EXPECT_TRUE(agrees(rows(kl.detach()), v.wanted("kl"), v.tolerance()));
    EXPECT_TRUE(agrees(kl.mean().detach(), v.wanted("loss"), v.tolerance()));
    const Tensor d = torch::autograd::grad({kl.mean()}, {policy})[0];
    EXPECT_TRUE(agrees(rows(d), v.wanted("grad", "logps"), v.tolerance()));
  }
}

}  // namespace
}  // namespace caravan::losses
