// The reward model's loss: every reference vector.
#include "losses/bradley_terry.h"

#include <gtest/gtest.h>

#include "tests/support/loss_vectors.h"

namespace caravan::losses {
namespace {

using tests::agrees;
using tests::LossVector;

TEST(BradleyTerry, Vectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("reward_model");
  ASSERT_EQ(vectors.size(), 5u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    const PairScores scores{v.input("chosen_scores"), v.input("rejected_scores"),
                            v.has("margin") ? v.input("margin") : at::Tensor()};
    const PairScoresResult r = bradley_terry(scores, v.param("center_rewards_coefficient"));
    const double count = static_cast<double>(scores.chosen_B.numel());
    EXPECT_TRUE(agrees(r.loss_B, v.wanted("losses"), v.tolerance()));
    EXPECT_TRUE(agrees(r.loss_B.sum() / count, v.wanted("loss"), v.tolerance()));
    EXPECT_TRUE(agrees(r.d_chosen_B / count, v.wanted("grad", "chosen_scores"), v.tolerance()));
    EXPECT_TRUE(agrees(r.d_rejected_B / count, v.wanted("grad", "rejected_scores"), v.tolerance()));
  }
}

TEST(BradleyTerry, CentringBelowZeroIsRefused) {
  EXPECT_THROW(bradley_terry({at::ones({1}), at::ones({1}), {}}, -0.1), c10::ValueError);
}

}  // namespace
}  // namespace caravan::losses
