// Preference losses on sums: every reference vector (loss per pair, gradient, rewards), settings that are
// refused, and that nothing overflows.
#include "losses/preference.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/loss_vectors.h"

namespace caravan::losses {
namespace {

using tests::agrees;
using tests::LossVector;

Divergence divergence_named(const std::string& name) {
  constexpr auto names = choice_names(Divergence{});
  return static_cast<Divergence>(std::find(names.begin(), names.end(), name) - names.begin());
}

PreferenceOptions options_of(const LossVector& v, PreferenceLoss loss) {
  PreferenceOptions o;
  o.terms = {{loss, 1.0}};
  o.beta = v.param("beta");
  o.label_smoothing = v.param("label_smoothing");
  o.gamma_beta_ratio = v.param("gamma_beta_ratio");
  o.discopop_tau = v.param("discopop_tau", o.discopop_tau);
  if (v.params().contains("f_divergence_type"))
    o.divergence = divergence_named(v.params()["f_divergence_type"]);
  o.divergence_alpha = v.param("f_alpha_divergence_coef", 0.5);
  return o;
}

PairLogProbs pairs_of(const LossVector& v) {
  const auto get = [&](const char* key) { return v.has(key) ? v.input(key) : at::Tensor(); };
  PairLogProbs pairs{get("policy_chosen_logps"), get("policy_rejected_logps"), get("ref_chosen_logps"),
                     get("ref_rejected_logps"),  get("chosen_lengths"),        get("rejected_lengths")};
  if (!pairs.chosen_tokens_B.defined())
    pairs.chosen_tokens_B = pairs.rejected_tokens_B = at::ones_like(pairs.policy_chosen_B);
  return pairs;
}

void expect_vector(const LossVector& v, const PairLogProbs& pairs, const PreferenceOptions& options) {
  SCOPED_TRACE(v.name());
  EXPECT_EQ(problem_of(options), "");
  const PreferenceResult r = preference_loss(pairs, options);
  const double tolerance = v.tolerance(), count = static_cast<double>(pairs.policy_chosen_B.numel());
  EXPECT_TRUE(agrees(r.loss_B, v.wanted("losses"), tolerance));
  EXPECT_TRUE(agrees(r.loss_B.sum() / count, v.wanted("loss"), tolerance));
  EXPECT_TRUE(agrees(r.d_chosen_B / count, v.wanted("grad", "policy_chosen_logps"), tolerance));
  EXPECT_TRUE(agrees(r.d_rejected_B / count, v.wanted("grad", "policy_rejected_logps"), tolerance));
  EXPECT_TRUE(agrees(r.reward_chosen_B, v.wanted("metrics", "rewards_chosen"), tolerance));
  EXPECT_TRUE(agrees(r.reward_rejected_B, v.wanted("metrics", "rewards_rejected"), tolerance));
  const at::Tensor won = r.reward_chosen_B.gt(r.reward_rejected_B).to(at::kDouble);
  EXPECT_TRUE(agrees(won.mean(), v.wanted("metrics", "accuracy"), tolerance));
  const PreferenceResult value_only = preference_loss(pairs, options, false);
  EXPECT_TRUE(at::equal(value_only.loss_B, r.loss_B));
  EXPECT_FALSE(value_only.d_chosen_B.defined());
}

TEST(Preference, SequenceVectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("preference_sequence");
  ASSERT_EQ(vectors.size(), 47u);
  for (const LossVector& v : vectors) {
    const auto loss = preference_loss_named(v.params()["loss_type"].get<std::string>());
    ASSERT_TRUE(loss) << v.name();
    expect_vector(v, pairs_of(v), options_of(v, *loss));
  }
}

TEST(Preference, ReferenceFreeTakesAnyReference) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const LossVector& v : tests::loss_vectors("preference_sequence")) {
    if (v.name() != "sigmoid_reference_free") continue;
    PairLogProbs pairs = pairs_of(v);
    PreferenceOptions options = options_of(v, PreferenceLoss::kDpo);
    options.reference_free = true;
    pairs.reference_chosen_B = pairs.reference_chosen_B - 7.0;
    expect_vector(v, pairs, options);
    pairs.reference_chosen_B = pairs.reference_rejected_B = at::Tensor();
    expect_vector(v, pairs, options);
  }
}

// The reference's CPO takes sums or averages as they come; here averages are made of sums.
TEST(Preference, OrpoAndCpoVectors) {
  SKIP_WITHOUT_SHARED_DATA();
  int seen = 0;
  for (const LossVector& v : tests::loss_vectors("orpo_cpo")) {
    if (!v.has("policy_chosen_logps")) continue;
    ++seen;
    PairLogProbs pairs = pairs_of(v);
    const std::string kind = v.params().value("loss_type", "orpo");
    const std::map<std::string, PreferenceLoss> losses{{"orpo", PreferenceLoss::kOrpo},
                                                       {"sigmoid", PreferenceLoss::kCpo},
                                                       {"simpo", PreferenceLoss::kSimpo},
                                                       {"hinge", PreferenceLoss::kHinge},
                                                       {"ipo", PreferenceLoss::kIpo}};
    PreferenceOptions options = options_of(v, losses.at(kind));
    options.reference_free = traits_of(losses.at(kind)).reference;
    if (kind == "simpo") {
      options.gamma_beta_ratio = v.param("simpo_gamma") / v.param("beta");
      options.simpo_alpha = v.param("alpha");
    }
    expect_vector(v, pairs, options);
    if (kind == "orpo") {
      const at::Tensor odds = log_odds_ratio(pairs.policy_chosen_B, pairs.policy_rejected_B);
      EXPECT_TRUE(agrees(odds.mean(), v.wanted("metrics", "log_odds_chosen"), v.tolerance()));
      EXPECT_TRUE(agrees(at::log_sigmoid(odds).mean(), v.wanted("metrics", "log_odds_ratio"), v.tolerance()));
    }
  }
  EXPECT_EQ(seen, 8);
}

TEST(Preference, WhatCannotBeHonouredIsRefused) {
  const auto refused = [](const PreferenceOptions& o, const char* word) {
    const std::string problem = problem_of(o);
    return problem.find(word) != std::string::npos ? testing::AssertionSuccess()
                                                   : testing::AssertionFailure() << "'" << problem << "'";
  };
  const auto with = [](PreferenceLoss loss, auto&& change) {
    PreferenceOptions o;
    o.terms = {{loss, 1.0}};
    change(o);
    return o;
  };
  using L = PreferenceLoss;
  EXPECT_TRUE(refused(with(L::kDpo, [](auto& o) { o.beta = 0.0; }), "beta"));
  EXPECT_TRUE(refused(with(L::kDpo, [](auto& o) { o.beta = std::nan(""); }), "beta"));
  EXPECT_TRUE(refused(with(L::kDpo, [](auto& o) { o.terms.clear(); }), "term"));
  EXPECT_TRUE(refused(with(L::kDpo, [](auto& o) { o.terms[0].weight = -1; }), "(dpo)"));
  EXPECT_TRUE(refused(with(L::kRobust, [](auto& o) { o.label_smoothing = 0.5; }), "label_smoothing"));
  EXPECT_TRUE(refused(with(L::kExoPair, [](auto&) {}), "epsilon"));
  EXPECT_TRUE(refused(with(L::kIpo, [](auto& o) { o.label_smoothing = 0.1; }), "ipo does not use"));
  EXPECT_TRUE(
      refused(with(L::kApoZero, [](auto& o) { o.divergence = Divergence::kForwardKl; }), "divergence"));
  EXPECT_TRUE(refused(with(L::kDpo, [](auto& o) { o.gamma_beta_ratio = 0.3; }), "gamma_beta_ratio"));
  PairLogProbs pairs;
  pairs.policy_chosen_B = pairs.policy_rejected_B = pairs.chosen_tokens_B = pairs.rejected_tokens_B =
      at::ones({2});
  EXPECT_THROW(preference_loss(pairs, PreferenceOptions{}), c10::ValueError);
}

TEST(Preference, EveryLossStaysFiniteInFp32) {
  const at::Tensor far = at::tensor({-1.f, -9000.f, -1e-7f, -3.f, -9000.f});
  const at::Tensor near = at::tensor({-9000.f, -1.f, -1e-7f, -3.f, -8999.f});
  PairLogProbs pairs{far, near, near, far, at::full({5}, 30.f), at::full({5}, 40.f)};
  for (std::size_t i = 0; i < choice_names(PreferenceLoss{}).size(); ++i) {
    PreferenceOptions options;
    options.terms = {{static_cast<PreferenceLoss>(i), 1.0}};
    const PreferenceTraits traits = traits_of(options.terms[0].loss);
    if (traits.label_smoothing) options.label_smoothing = 0.1;
    for (const Divergence d : {Divergence::kReverseKl, Divergence::kForwardKl, Divergence::kJensenShannon}) {
      if (d != Divergence::kReverseKl && !traits.divergence) continue;
      options.divergence = d;
      const PreferenceResult r = preference_loss(pairs, options);
      EXPECT_EQ(r.loss_B.scalar_type(), at::kFloat);
      EXPECT_TRUE(r.loss_B.isfinite().all().item<bool>()) << choice_names(PreferenceLoss{})[i];
      EXPECT_TRUE(r.d_chosen_B.isfinite().all().item<bool>()) << choice_names(PreferenceLoss{})[i];
      EXPECT_TRUE(r.d_rejected_B.isfinite().all().item<bool>()) << choice_names(PreferenceLoss{})[i];
    }
  }
}

}  // namespace
}  // namespace caravan::losses
