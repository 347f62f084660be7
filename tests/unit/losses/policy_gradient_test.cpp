// Policy and value losses: every reference vector (token losses, sum under its reduction, gradient, share of
// clipped tokens).
#include "losses/policy_gradient.h"

#include <gtest/gtest.h>

#include "losses/sequence_sums.h"
#include "tests/support/loss_vectors.h"

namespace caravan::losses {
namespace {

using at::Tensor;
using tests::agrees;
using tests::LossVector;

struct Batch {
  Tensor mask_BS, tokens_B;
  PolicyTokens tokens;

  explicit Batch(const LossVector& v) : mask_BS(v.input("mask").to(at::kBool)), tokens_B(mask_BS.sum(1)) {
    const auto get = [&](const char* key) { return v.has(key) ? select(v.input(key)) : Tensor(); };
    Tensor advantages = v.input("advantages");
    if (advantages.dim() == 1) advantages = advantages.unsqueeze(1).expand_as(mask_BS);
    tokens = {get("logps"),
              get("old_logps"),
              select(advantages),
              tokens_B,
              {},
              get("ref_logps"),
              get("sampling_logps"),
              {},
              get("entropies")};
  }
  Tensor select(const Tensor& x) const { return x.masked_select(mask_BS); }
  Tensor rows(const Tensor& x_T) const {
    return at::zeros(mask_BS.sizes(), at::kDouble).masked_scatter(mask_BS, x_T.to(at::kDouble));
  }
  // Of each completion that has tokens, the value of its first.
  Tensor first(const Tensor& x_T) const { return rows(x_T).select(1, 0); }
};

PolicyLoss loss_named(const std::string& name) {
  constexpr auto names = choice_names(PolicyLoss{});
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? PolicyLoss::kClip : static_cast<PolicyLoss>(found - names.begin());
}

PolicyReduction reduction_of(const std::string& loss) {
  if (loss == "grpo" || loss == "sapo" || loss == "gmpo") return PolicyReduction::kSequenceMean;
  if (loss == "dr_grpo") return PolicyReduction::kConstant;
  return loss == "luspo" ? PolicyReduction::kSequenceSum : PolicyReduction::kTokenMean;
}

PolicyOptions options_of(const LossVector& v) {
  PolicyOptions o;
  o.loss = loss_named(v.params().value("loss_type", "dapo"));
  o.epsilon_low = v.param("epsilon_low", v.param("clip_lower"));
  o.epsilon_high = v.param("epsilon_high", v.param("clip_higher"));
  o.beta = v.param("beta");
  o.kl.importance_weighted = v.params().value("use_bias_correction_kl", false);
  if (v.name().starts_with("open_instruct")) o.kl.clamp = 40.0;
  if (v.params().value("importance_sampling_level", "") == "sequence") o.ratio = RatioLevel::kSequence;
  o.delta = v.param("delta");
  o.dual_clip = v.param("dual_clip_c");
  o.sapo_temperature_pos = v.param("sapo_temperature_pos", 1.0);
  o.sapo_temperature_neg = v.param("sapo_temperature_neg", 1.05);
  o.vespo_k_pos = v.param("k_pos");
  o.vespo_lambda_pos = v.param("lambda_pos");
  o.vespo_k_neg = v.param("k_neg");
  o.vespo_lambda_neg = v.param("lambda_neg");
  if (v.params().contains("off_policy_mask_threshold"))
    o.off_policy_mask_threshold = v.param("off_policy_mask_threshold");
  o.top_entropy_share = v.param("top_entropy_quantile", 1.0);
  o.entropy_coefficient = v.param("entropy_coef");
  return o;
}

std::optional<double> bound(const LossVector& v, const char* key) {
  const auto found = v.params().find(key);
  if (found == v.params().end() || found->is_null()) return std::nullopt;
  return found->get<double>();
}

void weigh(const LossVector& v, Batch& batch) {
  PolicyTokens& t = batch.tokens;
  if (v.params().contains("is_mode")) {
    constexpr auto names = choice_names(ImportanceMode{});
    const std::string mode = v.params()["is_mode"];
    t.importance_T = importance_weights(
        t.old_T, t.sampling_T, t.tokens_B,
        static_cast<ImportanceMode>(std::find(names.begin(), names.end(), mode) - names.begin()),
        bound(v, "is_min"), bound(v, "is_max"));
    Tensor found = batch.rows(t.importance_T), wanted = v.wanted("importance_sampling_ratio");
    if (wanted.size(1) == 1) found = found.select(1, 0).unsqueeze(1);
    // Beyond the mask the reference computes weights of nothing.
    if (wanted.size(1) > 1) wanted = wanted * batch.mask_BS;
    EXPECT_TRUE(agrees(found, wanted, v.tolerance()));
  } else if (v.params().contains("rho_clamp_upper_bound")) {
    t.importance_T = importance_weights(t.old_T, t.sampling_T, t.tokens_B, ImportanceMode::kTokenTruncate,
                                        v.param("rho_clamp_lower_bound"), v.param("rho_clamp_upper_bound"));
    EXPECT_TRUE(agrees(batch.rows(t.importance_T), v.wanted("rho_weight"), v.tolerance()));
  }
}

void expect_metrics(const LossVector& v, const Batch& batch, const PolicyResult& r, RatioLevel level) {
  const auto& metrics = v.expected()["metrics"];
  const bool sequence = level == RatioLevel::kSequence;
  const auto share = [&](const Tensor& yes_T) {
    return sequence ? batch.first(yes_T).mean() : yes_T.to(at::kDouble).mean();
  };
  if (metrics.contains("clip_low")) {
    EXPECT_TRUE(agrees(share(r.clipped_low_T), v.wanted("metrics", "clip_low"), v.tolerance()));
    EXPECT_TRUE(agrees(share(r.clipped_high_T), v.wanted("metrics", "clip_high"), v.tolerance()));
  }
  if (metrics.contains("kl")) {
    Tensor kl = r.kl_T;
    EXPECT_TRUE(agrees(kl.mean(), v.wanted("metrics", "kl"), v.tolerance()));
  }
  if (metrics.contains("ratio")) {
    EXPECT_TRUE(agrees(sequence ? batch.first(r.ratio_T) : batch.rows(r.ratio_T),
                       v.wanted("metrics", "ratio"), v.tolerance()));
  }
}

void expect_policy(const LossVector& v) {
  Batch batch(v);
  weigh(v, batch);
  const PolicyOptions options = options_of(v);
  Reduction reduction = reduce(reduction_of(v.params().value("loss_type", "dapo")), batch.tokens_B,
                               batch.tokens.policy_T, v.param("max_completion_length"));
  if (v.params().contains("denominator")) reduction.count = v.param("denominator");
  batch.tokens.weights_T = reduction.weights_T;
  batch.tokens.entropy_scale = reduction.count / static_cast<double>(batch.tokens.policy_T.numel());
  const PolicyResult r = policy_loss(batch.tokens, options);
  const double tolerance = v.tolerance();
  EXPECT_TRUE(agrees(r.loss / reduction.count, v.wanted("loss"), tolerance));
  if (v.expected().contains("token_losses") && !v.expected()["token_losses"].is_null()) {
    EXPECT_TRUE(agrees(batch.rows(r.token_loss_T), v.wanted("token_losses"), tolerance));
  }
  EXPECT_TRUE(agrees(batch.rows(r.d_policy_T) / reduction.count, v.wanted("grad", "logps"), tolerance));
  if (v.expected()["grad"].contains("entropies")) {
    EXPECT_TRUE(
        agrees(batch.rows(r.d_entropies_T) / reduction.count, v.wanted("grad", "entropies"), tolerance));
  }
  expect_metrics(v, batch, r, options.ratio);
}

void expect_rloo(const LossVector& v) {
  Batch batch(v);
  PolicyOptions options = options_of(v);
  options.ratio = RatioLevel::kSequenceSum;
  const Reduction reduction = reduce(PolicyReduction::kSequenceMean, batch.tokens_B, batch.tokens.policy_T);
  batch.tokens.weights_T = reduction.weights_T;
  const PolicyResult r = policy_loss(batch.tokens, options);
  EXPECT_TRUE(agrees(r.loss / reduction.count, v.wanted("loss"), v.tolerance()));
  EXPECT_TRUE(agrees(batch.first(r.token_loss_T), v.wanted("losses"), v.tolerance()));
  EXPECT_TRUE(agrees(batch.first(r.ratio_T), v.wanted("metrics", "ratio"), v.tolerance()));
  EXPECT_TRUE(agrees(batch.rows(r.d_policy_T) / reduction.count, v.wanted("grad", "logps"), v.tolerance()));
}

TEST(PolicyGradient, Vectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("rl_policy");
  ASSERT_EQ(vectors.size(), 36u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    v.name() == "rloo_sequence_ratio" ? expect_rloo(v) : expect_policy(v);
  }
}

TEST(PolicyGradient, PpoVectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("rl_ppo");
  ASSERT_EQ(vectors.size(), 3u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    Batch batch(v);
    const Reduction reduction =
        reduce(v.params()["reduction"] == "token_mean" ? PolicyReduction::kTokenMean
                                                       : PolicyReduction::kSequenceMean,
               batch.tokens_B, batch.tokens.policy_T);
    batch.tokens.weights_T = reduction.weights_T;
    PolicyOptions options;
    options.epsilon_low = options.epsilon_high = v.param("cliprange");
    const PolicyResult policy = policy_loss(batch.tokens, options);
    const ValueResult value =
        value_loss(batch.select(v.input("values")), batch.select(v.input("old_values")),
                   batch.select(v.input("returns")), reduction.weights_T, v.param("cliprange_value"));
    const double coefficient = v.param("vf_coef"), tolerance = v.tolerance();
    const auto mean = [&](const Tensor& x_T) { return (x_T * reduction.weights_T).sum() / reduction.count; };
    EXPECT_TRUE(agrees(policy.loss / reduction.count, v.wanted("policy_loss"), tolerance));
    EXPECT_TRUE(agrees(mean(value.loss_T), v.wanted("value_loss"), tolerance));
    EXPECT_TRUE(agrees(batch.rows(policy.token_loss_T), v.wanted("token_policy_losses"), tolerance));
    EXPECT_TRUE(agrees(batch.rows(value.loss_T), v.wanted("token_value_losses"), tolerance));
    EXPECT_TRUE(
        agrees(batch.rows(policy.d_policy_T) / reduction.count, v.wanted("grad", "logps"), tolerance));
    EXPECT_TRUE(agrees(coefficient * batch.rows(value.d_values_T) / reduction.count,
                       v.wanted("grad", "values"), tolerance));
    const Tensor clipped = policy.clipped_low_T.logical_or(policy.clipped_high_T);
    EXPECT_TRUE(agrees(mean(clipped), v.wanted("metrics", "policy_clipfrac"), tolerance));
    EXPECT_TRUE(agrees(mean(value.clipped_T), v.wanted("metrics", "value_clipfrac"), tolerance));
  }
}

TEST(PolicyGradient, WhatIsMissingIsRefused) {
  const Tensor x = at::zeros({2});
  PolicyTokens tokens{x, x, x, at::tensor({2}, at::kLong), at::ones({2})};
  const auto refused = [&](auto&& change) {
    PolicyOptions options;
    change(options);
    EXPECT_THROW(policy_loss(tokens, options), c10::ValueError);
  };
  refused([](PolicyOptions& o) { o.beta = 0.1; });
  refused([](PolicyOptions& o) { o.dual_clip = 0.5; });
  refused([](PolicyOptions& o) { o.entropy_coefficient = 0.1; });
  refused([](PolicyOptions& o) { o.off_policy_mask_threshold = 0.1; });
  refused([](PolicyOptions& o) { o.top_entropy_share = 0.0; });
  EXPECT_THROW(reduce(PolicyReduction::kConstant, tokens.tokens_B, x), c10::ValueError);
}

}  // namespace
}  // namespace caravan::losses
