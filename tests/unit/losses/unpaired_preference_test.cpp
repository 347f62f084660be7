// KTO: every reference vector, and that the baseline does not depend on how examples are spread over ranks.
#include "losses/unpaired_preference.h"

#include <gtest/gtest.h>

#include "tests/support/loss_vectors.h"

namespace caravan::losses {
namespace {

using tests::agrees;
using tests::LossVector;

TEST(UnpairedPreference, Vectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("kto");
  ASSERT_EQ(vectors.size(), 5u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    const bool kto = v.params()["loss_type"] == "kto";
    const UnpairedOptions options{kto ? UnpairedLoss::kKto : UnpairedLoss::kApoZeroUnpaired, v.param("beta"),
                                  v.param("desirable_weight"), v.param("undesirable_weight")};
    const at::Tensor kl_policy = v.input("kl_policy_logps"), kl_reference = v.input("kl_ref_logps");
    // As two ranks see it.
    const at::Tensor total = kl_sum(kl_policy.slice(0, 0, 2), kl_reference.slice(0, 0, 2)) +
                             kl_sum(kl_policy.slice(0, 2), kl_reference.slice(0, 2));
    const double count = static_cast<double>(kl_policy.numel());
    const at::Tensor baseline = kto_baseline(total, count);
    if (kto) {
      EXPECT_TRUE(agrees(baseline, v.wanted("metrics", "kl"), v.tolerance()));
    }
    const UnpairedResult r = unpaired_loss(
        {v.input("policy_logps"), v.input("ref_logps"), v.input("label").to(at::kBool)}, baseline, options);
    EXPECT_TRUE(agrees(r.loss_B, v.wanted("losses"), v.tolerance()));
    EXPECT_TRUE(agrees(r.loss_B.sum() / count, v.wanted("loss"), v.tolerance()));
    EXPECT_TRUE(agrees(r.d_policy_B / count, v.wanted("grad", "policy_logps"), v.tolerance()));
    EXPECT_TRUE(agrees(r.reward_B, v.wanted("metrics", "rewards"), v.tolerance()));
  }
}

TEST(UnpairedPreference, NoMismatchedCompletionsIsAnError) {
  EXPECT_THROW(kto_baseline(at::zeros({}), 0.0), c10::ValueError);
}

}  // namespace
}  // namespace caravan::losses
