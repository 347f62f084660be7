// Scores of packed pairs: the reference vectors through a head, margins of rows, and the gradient at the last
// tokens alone.
#include "trainer/objectives/reward.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/loss_vectors.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using at::Tensor;
using tests::agrees;
using tests::LossVector;

// Pair i has sides of 3 + i and 4 tokens.
data::MicroBatch pairs_batch(std::int64_t pairs) {
  data::MicroBatch batch;
  for (std::uint32_t pair = 0; pair < static_cast<std::uint32_t>(pairs); ++pair)
    for (const bool chosen : {true, false}) {
      append(batch, made_document(2 * pair + (chosen ? 0 : 1), chosen ? 3 + pair : 4), pair);
      batch.roles.push_back(chosen ? data::DocumentRole::kChosen : data::DocumentRole::kRejected);
    }
  return batch;
}

// Hidden states of width 1 that are the scores at the last tokens, and a head that passes them on.
Tensor hidden_of(const data::MicroBatch& batch, const Tensor& chosen_B, const Tensor& rejected_B) {
  Tensor hidden = at::full({batch.num_tokens(), 1}, 55.0, at::kDouble);
  const Tensor rows = last_rows(batch, at::kCPU);
  hidden.index_copy_(0, rows, at::stack({chosen_B, rejected_B}, 1).view({-1, 1}));
  return hidden.to(at::kFloat);
}
losses::OutputHead passing_head() {
  return {1, [](const Tensor& hidden) { return hidden.clone(); },
          [](const Tensor& d_logits, const Tensor&) { return d_logits.clone(); }};
}

TEST(RewardObjective, Vectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("reward_model");
  ASSERT_EQ(vectors.size(), 5u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    const Tensor chosen = v.input("chosen_scores"), rejected = v.input("rejected_scores");
    data::MicroBatch batch = pairs_batch(chosen.numel());
    RewardLossOptions options;
    options.centring = v.param("center_rewards_coefficient");
    options.row_margins = v.has("margin");
    for (std::int64_t i = 0; options.row_margins && i < chosen.numel(); ++i)
      for (int side = 0; side < 2; ++side) batch.margins.push_back(v.input("margin")[i].item<float>());
    const RewardObjective objective(options);
    const double scale = 1.0 / objective.count(batch);
    const ObjectiveResult r =
        objective.loss(hidden_of(batch, chosen, rejected), passing_head(), batch, &scale);
    EXPECT_TRUE(agrees(r.terms.loss.sum * scale, v.wanted("loss"), 1e-5));
    const Tensor d_B2 = r.d_hidden_TD.index_select(0, last_rows(batch, at::kCPU)).view({-1, 2});
    EXPECT_TRUE(agrees(d_B2.select(1, 0), v.wanted("grad", "chosen_scores"), 1e-5));
    EXPECT_TRUE(agrees(d_B2.select(1, 1), v.wanted("grad", "rejected_scores"), 1e-5));
    // Nothing is learned at any other token.
    EXPECT_EQ(r.d_hidden_TD.count_nonzero().item<std::int64_t>(), d_B2.count_nonzero().item<std::int64_t>());
    EXPECT_TRUE(agrees(r.terms.margins_B, chosen - rejected, 1e-5));
  }
}

TEST(RewardObjective, APairWithoutItsMarginIsRefused) {
  const data::MicroBatch batch = pairs_batch(2);
  const Tensor scores = at::zeros({2}, at::kDouble);
  RewardLossOptions options;
  options.row_margins = true;
  EXPECT_THROW(
      RewardObjective(options).loss(hidden_of(batch, scores, scores), passing_head(), batch, nullptr), Error);
}

TEST(RewardObjective, EveryTokenHasAScore) {
  const data::MicroBatch batch = pairs_batch(2);
  const Tensor hidden = at::arange(batch.num_tokens(), at::kFloat).view({-1, 1});
  EXPECT_TRUE(token_scores(hidden, passing_head()).equal(at::arange(batch.num_tokens(), at::kFloat)));
}

}  // namespace
}  // namespace caravan::trainer
