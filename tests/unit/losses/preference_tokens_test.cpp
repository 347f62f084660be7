// Preference losses from per-token log-probabilities: reference vectors of weighted sums, the likelihood
// term, LD-DPO and WPO, and the whole way from logits.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "losses/preference.h"
#include "losses/sequence_sums.h"
#include "tests/support/loss_vectors.h"

namespace caravan::losses {
namespace {

using at::Tensor;
using tests::agrees;
using tests::LossVector;

// One side of the pairs: its trained tokens one after the other.
struct Side {
  Tensor mask_BS, policy_T, reference_T, tokens_B;
  std::vector<std::int64_t> lengths;

  Side(const LossVector& v, const std::string& side) : mask_BS(v.input(side + "_mask").to(at::kBool)) {
    policy_T = v.input("policy_" + side + "_token_logps").masked_select(mask_BS);
    reference_T = v.input("ref_" + side + "_token_logps").masked_select(mask_BS);
    tokens_B = mask_BS.sum(1);
    lengths.assign(tokens_B.data_ptr<std::int64_t>(), tokens_B.data_ptr<std::int64_t>() + tokens_B.numel());
  }
  Tensor sums(const Tensor& values_T) const { return sequence_sums(values_T, tokens_B); }
  Tensor averages(const Tensor& values_T) const { return sums(values_T) / tokens_B; }
  Tensor to_rows(const Tensor& values_T) const {
    return at::zeros(mask_BS.sizes(), at::kDouble).masked_scatter(mask_BS, values_T);
  }
};

struct TokenLoss {
  PreferenceResult result;
  Tensor d_chosen_T, d_rejected_T;
};

TokenLoss token_loss(const LossVector& v, const Side& c, const Side& r, const PreferenceOptions& options,
                     const Tensor& nll_scale_B, const Tensor& pair_weights_B) {
  const double ld = v.param("ld_alpha", 1.0);
  const Tensor weight_c = at::tensor(length_desensitised_weights(c.lengths, r.lengths, ld), at::kDouble),
               weight_r = at::tensor(length_desensitised_weights(r.lengths, c.lengths, ld), at::kDouble);
  PairLogProbs pairs{c.sums(c.policy_T * weight_c),    r.sums(r.policy_T * weight_r),
                     c.sums(c.reference_T * weight_c), r.sums(r.reference_T * weight_r),
                     c.tokens_B.to(at::kDouble),       r.tokens_B.to(at::kDouble)};
  pairs.nll_chosen_B = c.sums(c.policy_T);
  pairs.nll_scale_B = nll_scale_B;
  pairs.pair_weights_B = pair_weights_B;
  TokenLoss out{preference_loss(pairs, options), {}, {}};
  const auto spread = [](const Tensor& d_B, const Side& side) {
    return spread_to_tokens(d_B, side.tokens_B, side.policy_T.numel());
  };
  out.d_chosen_T = spread(out.result.d_chosen_B, c) * weight_c;
  if (options.nll_weight != 0.0) out.d_chosen_T = out.d_chosen_T + spread(out.result.d_nll_B, c);
  out.d_rejected_T = spread(out.result.d_rejected_B, r) * weight_r;
  return out;
}

// What the vector's loss is here: terms, likelihood term, factor per pair.
TokenLoss run(const LossVector& v, const Side& c, const Side& r) {
  PreferenceOptions options;
  options.beta = v.param("beta");
  options.terms.clear();
  Tensor scale, weights;
  const auto& kind = v.params()["loss_type"];
  if (kind.is_array()) {
    for (std::size_t i = 0; i < kind.size(); ++i) {
      const double weight = v.params()["loss_weights"][i];
      if (kind[i] == "sft")
        options.nll_weight = weight;
      else
        options.terms.push_back({*preference_loss_named(kind[i].get<std::string>()), weight});
    }
    if (options.terms.empty()) options.terms = {{PreferenceLoss::kNone, 1.0}};
    scale = at::full_like(c.tokens_B, static_cast<double>(c.lengths.size()), at::kDouble) / c.tokens_B.sum();
  } else if (kind == "rpo") {
    options.terms = {{}};
    options.nll_weight = v.param("rpo_alpha");
    scale = 1.0 / c.tokens_B.to(at::kDouble);
  } else {
    options.terms = {{preference_loss_named(kind.get<std::string>()).value_or(PreferenceLoss::kDpo), 1.0}};
  }
  if (v.has("chosen_log_sum_sq_probs")) {
    const auto aligned = [&](const Side& side, const char* key) {
      return side.averages(side.policy_T - v.input(key).masked_select(side.mask_BS));
    };
    weights = wpo_aligned(aligned(c, "chosen_log_sum_sq_probs"), aligned(r, "rejected_log_sum_sq_probs"));
  } else if (kind == "wpo") {
    weights = wpo_plain(c.averages(c.policy_T), r.averages(r.policy_T));
  }
  EXPECT_EQ(problem_of(options), "");
  return token_loss(v, c, r, options, scale, weights);
}

TEST(PreferenceTokens, Vectors) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto vectors = tests::loss_vectors("preference_token");
  ASSERT_EQ(vectors.size(), 11u);
  for (const LossVector& v : vectors) {
    SCOPED_TRACE(v.name());
    const Side c(v, "chosen"), r(v, "rejected");
    const TokenLoss found = run(v, c, r);
    const double tolerance = v.tolerance(), pairs = static_cast<double>(c.lengths.size());
    // A mean over all tokens has no loss of one pair: there only the sum is compared.
    const auto& kind = v.params()["loss_type"];
    if (!kind.is_array()) {
      EXPECT_TRUE(agrees(found.result.loss_B, v.wanted("losses"), tolerance));
    }
    EXPECT_TRUE(agrees(found.result.loss_B.sum() / pairs, v.wanted("loss"), tolerance));
    EXPECT_TRUE(agrees(c.to_rows(found.d_chosen_T) / pairs, v.wanted("grad", "policy_chosen_token_logps"),
                       tolerance));
    EXPECT_TRUE(agrees(r.to_rows(found.d_rejected_T) / pairs, v.wanted("grad", "policy_rejected_token_logps"),
                       tolerance));
    if (kind == data::Json::array({"sft"})) continue;  // no preference term, no reward
    EXPECT_TRUE(agrees(found.result.reward_chosen_B, v.wanted("metrics", "rewards_chosen"), tolerance));
    EXPECT_TRUE(agrees(found.result.reward_rejected_B, v.wanted("metrics", "rewards_rejected"), tolerance));
  }
}

// Log-probabilities of the labels of one side, from logits that know their gradient.
struct FromLogits {
  Tensor logits, token_BS, label_mask_BS, input_mask_BS;
  FromLogits(const LossVector& v, const std::string& side) {
    logits = v.input(side + "_logits").requires_grad_(true);
    const auto next = [&](const std::string& key) { return v.input(side + key).slice(1, 1).to(at::kLong); };
    const Tensor ids = next("_input_ids");
    token_BS = logits.slice(1, 0, -1).log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1);
    label_mask_BS = next("_labels").ne(-100).to(at::kDouble);
    input_mask_BS = next("_attention_mask").to(at::kDouble);
  }
  Tensor sums() const { return (token_BS * label_mask_BS).sum(1); }
};

TEST(PreferenceTokens, OrpoAndCpoFromLogits) {
  SKIP_WITHOUT_SHARED_DATA();
  int seen = 0;
  for (const LossVector& v : tests::loss_vectors("orpo_cpo")) {
    if (!v.has("chosen_logits")) continue;
    SCOPED_TRACE(v.name());
    ++seen;
    const FromLogits c(v, "chosen"), r(v, "rejected");
    PreferenceOptions options;
    const std::string kind = v.params().value("loss_type", "orpo");
    options.terms = {{kind == "orpo"    ? PreferenceLoss::kOrpo
                      : kind == "simpo" ? PreferenceLoss::kSimpo
                                        : PreferenceLoss::kCpo,
                      1.0}};
    options.beta = v.param("beta");
    options.nll_weight = v.param("cpo_alpha", 1.0);
    if (kind == "simpo") options.gamma_beta_ratio = v.param("simpo_gamma") / options.beta;
    const bool prompt = v.params().value("nll_over", "") == "prompt_and_response";
    const Tensor nll_mask = prompt ? c.input_mask_BS : c.label_mask_BS;
    const Tensor nll_sums = (c.token_BS * nll_mask).sum(1);
    PairLogProbs pairs{c.sums().detach(),      r.sums().detach(),     {}, {},
                       c.label_mask_BS.sum(1), r.label_mask_BS.sum(1)};
    const double count = static_cast<double>(pairs.policy_chosen_B.numel());
    pairs.nll_chosen_B = nll_sums.detach();
    pairs.nll_scale_B = count * at::ones_like(pairs.nll_chosen_B) / nll_mask.sum();
    EXPECT_EQ(problem_of(options), "");
    const PreferenceResult result = preference_loss(pairs, options);
    EXPECT_TRUE(agrees(result.loss_B.sum() / count, v.wanted("loss"), v.tolerance()));
    const auto d = torch::autograd::grad(
        {(c.sums() * result.d_chosen_B + r.sums() * result.d_rejected_B + nll_sums * result.d_nll_B).sum() /
         count},
        {c.logits, r.logits});
    EXPECT_TRUE(agrees(d[0], v.wanted("grad", "chosen_logits"), v.tolerance()));
    EXPECT_TRUE(agrees(d[1], v.wanted("grad", "rejected_logits"), v.tolerance()));
  }
  EXPECT_EQ(seen, 4);
}

TEST(SequenceSums, AddTokensOfEachSequence) {
  const Tensor tokens = at::tensor({2, 0, 3}, at::kLong);
  const Tensor sums = sequence_sums(at::tensor({1.f, 2.f, 4.f, 8.f, 16.f}), tokens);
  EXPECT_TRUE(at::equal(sums, at::tensor({3.f, 0.f, 28.f})));
  EXPECT_TRUE(at::equal(spread_to_tokens(sums, tokens, 5), at::tensor({3.f, 3.f, 28.f, 28.f, 28.f})));
  EXPECT_THROW(length_desensitised_weights(std::vector<std::int64_t>{1}, std::vector<std::int64_t>{1}, 1.5),
               c10::ValueError);
}

}  // namespace
}  // namespace caravan::losses
