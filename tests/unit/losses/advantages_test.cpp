// Advantages: every reference vector, and what no vector shows: groups with unknown rewards, completions
// without tokens.
#include "losses/advantages.h"

#include <gtest/gtest.h>

#include "losses/kl.h"
#include "losses/sequence_sums.h"
#include "tests/support/loss_vectors.h"

namespace caravan::losses {
namespace {

using at::Tensor;
using tests::agrees;
using tests::LossVector;

// Rows with a mask as tokens one after the other, and back.
struct Rows {
  Tensor mask, tokens_B;
  explicit Rows(const LossVector& v) : mask(v.input("mask").to(at::kBool)), tokens_B(mask.sum(1)) {}
  Tensor tokens(const Tensor& x) const { return x.masked_select(mask); }
  Tensor rows(const Tensor& x_T) const {
    return at::zeros(mask.sizes(), at::kDouble).masked_scatter(mask, x_T);
  }
};

void expect_token_advantages(const LossVector& v, const Rows& rows, const TokenAdvantages& found) {
  EXPECT_TRUE(agrees(rows.rows(found.advantages_T), v.wanted("advantages"), v.tolerance()));
  EXPECT_TRUE(agrees(rows.rows(found.returns_T), v.wanted("returns"), v.tolerance()));
  EXPECT_TRUE(agrees(rows.rows(whiten(found.advantages_T)), v.wanted("whitened_advantages"), v.tolerance()));
}

KlEstimator estimator_named(const std::string& name) {
  return name == "k1" ? KlEstimator::kK1 : name == "k2" ? KlEstimator::kK2 : KlEstimator::kK3;
}

// Vectors over tokens.
void expect_tokens(const LossVector& v) {
  const Rows rows(v);
  const auto tokens = [&](const char* key) { return rows.tokens(v.input(key)); };
  if (v.name().starts_with("gae")) {
    const Tensor last = v.has("last_values") ? v.input("last_values") : Tensor();
    return expect_token_advantages(
        v, rows,
        gae(tokens("rewards"), tokens("values"), rows.tokens_B, v.param("gamma"), v.param("lam"), last));
  }
  if (v.name().starts_with("masked_whiten")) {
    const Tensor white = whiten(tokens("values"), v.params()["shift_mean"].get<bool>(), v.param("eps"));
    EXPECT_TRUE(agrees(rows.rows(white), v.wanted("whitened"), v.tolerance()));
    return;
  }
  KlOptions kl_options;
  kl_options.estimator = estimator_named(v.params().value("kl_estimator", "k1"));
  const Tensor kl = kl_estimate(tokens("logps"), tokens("ref_logps"), {}, kl_options);
  const Tensor rewards = token_rewards(kl, v.input("scores"), rows.tokens_B, v.param("beta"));
  if (v.name().starts_with("ppo_rewards")) {
    EXPECT_TRUE(agrees(rows.rows(rewards), v.wanted("rewards"), v.tolerance()));
    return expect_token_advantages(
        v, rows, gae(rewards, tokens("values"), rows.tokens_B, v.param("gamma"), v.param("lam")));
  }
  ASSERT_EQ(v.name(), "reinforce_pp_global");
  const Tensor returns = returns_to_go(rewards, rows.tokens_B, v.param("gamma"));
  EXPECT_TRUE(agrees(rows.rows(returns), v.wanted("returns"), v.tolerance()));
  EXPECT_TRUE(agrees(rows.rows(normalize_tokens(returns, v.param("var_floor"))), v.wanted("advantages"),
                     v.tolerance()));
}

Tensor group_advantages_of(const LossVector& v, std::int64_t size) {
  const double epsilon = v.param("eps");
  if (v.has("rewards_per_func")) {
    const Tensor rewards = v.input("rewards_per_func");
    const std::vector<double> weights = v.params()["weights"];
    if (v.name().starts_with("gdpo")) return gdpo_advantages(rewards, weights, size, epsilon);
    return group_advantages(rewards.matmul(at::tensor(weights, at::kDouble)), size, GroupSpread::kUnbiased,
                            epsilon);
  }
  const Tensor rewards = v.input("rewards");
  if (v.name() == "rloo") return leave_one_out(rewards, size);
  if (v.name() == "rloo_normalised") return normalize_batch(leave_one_out(rewards, size), epsilon);
  if (v.name() == "rloo_kl_in_reward_clipped") {
    const Rows rows(v);
    const Tensor kl = kl_estimate(rows.tokens(v.input("old_logps")), rows.tokens(v.input("ref_logps")), {},
                                  {.estimator = KlEstimator::kK1});
    const auto range = v.params()["reward_clip_range"];
    const Tensor clipped = rewards.clamp(range[0].get<double>(), range[1].get<double>());
    return leave_one_out(clipped - v.param("beta") * sequence_sums(kl, rows.tokens_B), size);
  }
  if (v.name() == "reinforce_pp_baseline") {
    const Rows rows(v);
    const Tensor centred = group_advantages(rewards, size, GroupSpread::kNone, 0.0);
    const Tensor tokens = spread_to_tokens(centred, rows.tokens_B, rows.tokens(rows.mask).numel());
    return rows.rows(normalize_tokens(tokens, v.param("var_floor")));
  }
  const std::string spread = v.params()["std"];
  return group_advantages(rewards, size,
                          spread == "none"         ? GroupSpread::kNone
                          : spread == "population" ? GroupSpread::kPopulation
                          : spread == "unbiased"   ? GroupSpread::kUnbiased
                                                   : GroupSpread::kBatch,
                          epsilon);
}

TEST(Advantages, Vectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("rl_advantages");
  ASSERT_EQ(vectors.size(), 26u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    if (v.name() == "overlong_soft_penalty") {
      const Tensor lengths = v.input("lengths");
      for (std::int64_t i = 0; i < lengths.numel(); ++i)
        EXPECT_NEAR(overlong_penalty(lengths[i].item<std::int64_t>(),
                                     v.params()["max_completion_len"].get<std::int64_t>(),
                                     v.params()["soft_punish_cache"].get<std::int64_t>()),
                    v.wanted("penalty")[i].item<double>(), v.tolerance());
      continue;
    }
    if (!v.has("group_size")) {
      expect_tokens(v);
      continue;
    }
    const auto size = v.input("group_size").item<std::int64_t>();
    if (v.name() == "dynamic_sampling_filter") {
      const std::vector<bool> keep = groups_that_vary(v.input("rewards"), size);
      const Tensor wanted = v.wanted("keep_group");
      ASSERT_EQ(static_cast<std::int64_t>(keep.size()), wanted.numel());
      for (std::size_t g = 0; g < keep.size(); ++g)
        EXPECT_EQ(keep[g], wanted[static_cast<std::int64_t>(g)].item<double>() > 0.5);
      continue;
    }
    EXPECT_TRUE(agrees(group_advantages_of(v, size), v.wanted("advantages"), v.tolerance()));
  }
}

TEST(Advantages, UnknownRewardsCountForNobody) {
  const double unknown = std::nan("");
  const Tensor rewards =
      at::tensor({1.0, unknown, 3.0, unknown, unknown, 5.0, unknown, unknown}, at::kDouble);
  EXPECT_TRUE(agrees(leave_one_out(rewards, 4),
                     at::tensor({-2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0}, at::kDouble), 1e-12));
  EXPECT_EQ(groups_that_vary(rewards, 4), (std::vector<bool>{true, false}));
  EXPECT_THROW(leave_one_out(rewards, 1), c10::ValueError);
  EXPECT_THROW(group_advantages(rewards, 3, GroupSpread::kNone, 0.0), c10::ValueError);
}

// Their mean is 0.10000000000000002.
TEST(Advantages, EqualRewardsDoNotVaryWhateverTheirMeanIsRoundedTo) {
  const Tensor rewards = at::tensor({0.1, 0.1, 0.1, 0.1, 0.1, 0.2}, at::kDouble);
  EXPECT_EQ(groups_that_vary(rewards, 3), (std::vector<bool>{false, true}));
  EXPECT_THROW(groups_that_vary(rewards, 4), c10::ValueError);
}

TEST(Advantages, ACompletionWithoutTokensHasNoReward) {
  const Tensor tokens = at::tensor({0, 2}, at::kLong);
  const Tensor rewards = token_rewards(at::zeros({2}), at::tensor({9.f, 1.f}), tokens, 0.1);
  EXPECT_TRUE(at::equal(rewards, at::tensor({0.f, 1.f})));
  EXPECT_EQ(rewards.scalar_type(), at::kFloat);
  EXPECT_THROW(overlong_penalty(5, 10, 11), c10::ValueError);
}

}  // namespace
}  // namespace caravan::losses
