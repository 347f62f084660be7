// Policy gradients on packed completions: against the gradient of the definition through logits, against
// other splits of the same step, and for what each method of the table is made of.
#include "trainer/objectives/policy_gradient.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/support/close.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/error.h"
#include "trainer/objectives/answers.h"

namespace caravan::trainer {
namespace {

using at::Tensor;
using tests::close;

constexpr std::int64_t kVocabulary = 23, kWidth = 8;

struct Head {
  Tensor weight_VD =
      at::sin(at::arange(kVocabulary * kWidth, at::kFloat) * 0.9).view({kVocabulary, kWidth}) * 0.8;
  Tensor d_weight_VD = at::zeros({kVocabulary, kWidth});

  losses::OutputHead functions() {
    return {kVocabulary, [this](const Tensor& hidden) { return hidden.matmul(weight_VD.t()).contiguous(); },
            [this](const Tensor& d_logits, const Tensor& hidden) {
              d_weight_VD += d_logits.t().matmul(hidden);
              return d_logits.matmul(weight_VD);
            }};
  }
};

Tensor hidden_of(const data::MicroBatch& batch) {
  std::vector<float> values;
  for (std::size_t t = 0; t < batch.ids.size(); ++t)
    for (std::int64_t d = 0; d < kWidth; ++d)
      values.push_back(static_cast<float>(
          std::sin(0.7 * batch.ids[t] + 1.3 * static_cast<double>(d) + 0.4 * batch.positions[t])));
  return at::tensor(values).view({-1, kWidth});
}

// Completion i behind a prompt of 3, of a length, an advantage and an old policy of its own.
data::MicroBatch completions_batch(const std::vector<std::uint32_t>& numbers) {
  data::MicroBatch batch;
  for (const std::uint32_t number : numbers) {
    Document document = made_document(number, 5 + number * 5 % 7, kVocabulary);
    for (std::size_t t = 0; t < document.trained.size(); ++t) document.trained[t] = t >= 3;
    append(batch, document, number);
    batch.roles.push_back(data::DocumentRole::kExample);
    for (std::size_t t = 0; t < document.ids.size(); ++t) {
      const auto id = static_cast<float>(document.ids[t]);
      batch.sampled.advantages.push_back(number % 2 == 0 ? 0.7f : -1.1f - 0.1f * static_cast<float>(number));
      batch.sampled.sampling_log_probs.push_back(-2.f - 0.1f * id);
      batch.sampled.old_log_probs.push_back(-2.1f - 0.1f * id);
      batch.reference_log_probs.push_back(-2.5f - 0.05f * id);
    }
  }
  return batch;
}

struct Definition {
  Tensor loss, d_hidden, d_weight;
};
// GRPO's clipped loss with k3, a mean over each completion, by automatic differentiation of whole logits.
Definition by_definition(const data::MicroBatch& batch, double beta, double temperature) {
  const Tensor hidden = hidden_of(batch).to(at::kDouble).requires_grad_(true),
               weight = Head().weight_VD.to(at::kDouble).requires_grad_(true);
  const Tensor log_p = (hidden.matmul(weight.t()) / temperature).log_softmax(1);
  Tensor loss = at::zeros({}, at::kDouble);
  for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d) {
    const std::int64_t tokens = batch.doc_starts[d + 1] - batch.doc_starts[d] - 3;
    for (std::int64_t t = batch.doc_starts[d] + 2; t + 1 < batch.doc_starts[d + 1]; ++t) {
      const auto at = static_cast<std::size_t>(t);
      const Tensor p = log_p[t][batch.targets[at]];
      const double a = static_cast<double>(batch.sampled.advantages[at]);
      const Tensor ratio = (p - static_cast<double>(batch.sampled.old_log_probs[at])).exp();
      const Tensor away = static_cast<double>(batch.reference_log_probs[at]) - p;
      loss = loss + (-at::minimum(ratio * a, ratio.clamp(0.8, 1.2) * a) + beta * (away.exp() - away - 1.0)) /
                        static_cast<double>(tokens);
    }
  }
  const auto d = torch::autograd::grad({loss}, {hidden, weight});
  return {loss.detach(), d[0], d[1]};
}

TEST(PolicyObjective, GradientIsThatOfTheDefinition) {
  PolicyLossOptions options;
  options.beta = 0.3;
  const data::MicroBatch batch = completions_batch({0, 1, 2, 3, 4});
  for (const double temperature : {1.0, 0.7}) {
    const Definition wanted = by_definition(batch, 0.3, temperature);
    Head head;
    const double scale = 0.25;
    const PolicyObjective objective(options, temperature, 32.0);
    EXPECT_EQ(objective.count(batch), 5.0);
    const ObjectiveResult found = objective.loss(hidden_of(batch), head.functions(), batch, &scale);
    EXPECT_TRUE(close(found.terms.loss.sum, wanted.loss, 1e-5));
    EXPECT_TRUE(close(found.d_hidden_TD, scale * wanted.d_hidden, 5e-6));
    EXPECT_TRUE(close(head.d_weight_VD, scale * wanted.d_weight, 5e-6));
  }
}

// Of whole distributions, over the tokens that are trained, however many micro-batches they come in.
TEST(PolicyObjective, EntropyIsThatOfTheDefinition) {
  const data::MicroBatch batch = completions_batch({0, 1, 2, 3, 4});
  for (const double temperature : {1.0, 0.7})
    for (const bool gradient : {true, false}) {
      const Tensor log_p =
          (hidden_of(batch).matmul(Head().weight_VD.t()).to(at::kDouble) / temperature).log_softmax(1);
      const Tensor weights = at::tensor(batch.weights).to(at::kDouble);
      const double wanted = (-(log_p.exp() * log_p).sum(1) * weights).sum().item<double>();
      Head head;
      const double scale = 1.0;
      const auto found = PolicyObjective({}, temperature, 32.0)
                             .loss(hidden_of(batch), head.functions(), batch, gradient ? &scale : nullptr)
                             .terms.metrics.at("policy/entropy");
      EXPECT_NEAR(found.sum.item<double>(), wanted, 1e-4);
      EXPECT_EQ(found.count, weights.sum().item<double>());
    }
}

TEST(PolicyObjective, HowCompletionsAreSplitDoesNotMatter) {
  for (const PolicyMethod method : {PolicyMethod::kGrpo, PolicyMethod::kDrGrpo, PolicyMethod::kDapo,
                                    PolicyMethod::kGspo, PolicyMethod::kCispo, PolicyMethod::kRloo}) {
    PolicyLossOptions options;
    options.name = method;
    const PolicyObjective objective(options, 1.0, 32.0);
    std::vector<Tensor> gradients;
    std::vector<double> losses, counts;
    for (const auto& split : std::vector<std::vector<std::vector<std::uint32_t>>>{
             {{0, 1, 2, 3, 4, 5}}, {{5, 0}, {3, 1, 2}, {4}}, {{0}, {1}, {2}, {3}, {4}, {5}}}) {
      Head head;
      const double scale = 1.0 / 6.0;
      losses.push_back(0.0);
      counts.push_back(0.0);
      for (const auto& group : split) {
        const data::MicroBatch batch = completions_batch(group);
        const ObjectiveResult r = objective.loss(hidden_of(batch), head.functions(), batch, &scale);
        losses.back() += r.terms.loss.sum.item<double>();
        counts.back() += objective.count(batch);
      }
      gradients.push_back(head.d_weight_VD);
    }
    for (std::size_t i = 1; i < gradients.size(); ++i) {
      EXPECT_TRUE(close(gradients[i], gradients[0], 1e-6 * gradients[0].abs().max().item<double>() + 1e-9));
      EXPECT_NEAR(losses[i], losses[0], 1e-7 * std::abs(losses[0]) + 1e-9);
      EXPECT_EQ(counts[i], counts[0]);
    }
  }
}

// Where the policy is the one that sampled, the ratio is 1 and nothing is clipped, to the bit.
TEST(PolicyObjective, OnPolicyTheRatioIsOne) {
  data::MicroBatch batch = completions_batch({0, 1, 2, 3});
  Head head;
  const Tensor own = trained_log_probs(hidden_of(batch), head.functions(), batch);
  batch.sampled.old_log_probs.assign(own.data_ptr<float>(), own.data_ptr<float>() + own.numel());
  batch.sampled.sampling_log_probs = batch.sampled.old_log_probs;
  PolicyLossOptions options;
  options.beta = 0.0;
  const auto metrics = PolicyObjective(options, 1.0, 32.0)
                           .loss(hidden_of(batch), head.functions(), batch, nullptr)
                           .terms.metrics;
  const auto mean = [&](const char* name) {
    return metrics.at(name).sum.item<double>() / metrics.at(name).count;
  };
  EXPECT_EQ(mean("policy/ratio"), 1.0);
  EXPECT_EQ(mean("policy/clipped_low"), 0.0);
  EXPECT_EQ(mean("policy/clipped_high"), 0.0);
  EXPECT_EQ(mean("policy/approx_kl"), 0.0);
  EXPECT_EQ(mean("policy/sampling_difference"), 0.0);
  EXPECT_GT(mean("policy/entropy_estimate"), 0.0);
}

TEST(PolicyObjective, MethodsAreWhatTheirPapersSay) {
  const auto settings = [](PolicyMethod method) {
    PolicyLossOptions options;
    options.name = method;
    return options.settings();
  };
  using losses::PolicyReduction;
  EXPECT_EQ(settings(PolicyMethod::kGrpo).beta, 0.04);
  EXPECT_EQ(settings(PolicyMethod::kGrpo).reduction, PolicyReduction::kSequenceMean);
  EXPECT_EQ(settings(PolicyMethod::kDrGrpo).spread, losses::GroupSpread::kNone);
  EXPECT_EQ(settings(PolicyMethod::kDrGrpo).reduction, PolicyReduction::kConstant);
  EXPECT_EQ(settings(PolicyMethod::kDapo).policy.epsilon_high, 0.28);
  EXPECT_EQ(settings(PolicyMethod::kDapo).beta, 0.0);
  EXPECT_EQ(settings(PolicyMethod::kGspo).policy.ratio, losses::RatioLevel::kSequence);
  EXPECT_EQ(settings(PolicyMethod::kCispo).policy.loss, losses::PolicyLoss::kCispo);
  EXPECT_EQ(settings(PolicyMethod::kRloo).advantage, AdvantageEstimator::kLeaveOneOut);
  EXPECT_EQ(settings(PolicyMethod::kRloo).policy.beta, 0.0);  // in the reward
  EXPECT_EQ(settings(PolicyMethod::kReinforcePlusPlus).advantage, AdvantageEstimator::kReturns);
  EXPECT_EQ(settings(PolicyMethod::kPpo).advantage, AdvantageEstimator::kGae);
  PolicyLossOptions changed;
  changed.name = PolicyMethod::kGrpo;
  changed.beta = 0.1;
  changed.epsilon_high = 0.3;
  EXPECT_EQ(changed.settings().policy.beta, 0.1);
  EXPECT_EQ(changed.settings().policy.epsilon_high, 0.3);
}

TEST(PolicyObjective, WhatHasNoEffectIsRefused) {
  for (const auto change : std::vector<void (*)(PolicyLossOptions&)>{
           [](PolicyLossOptions& o) { o.dual_clip = 0.5; },
           [](PolicyLossOptions& o) { o.importance = losses::ImportanceMode::kTokenTruncate; },
           [](PolicyLossOptions& o) { o.importance_most = 2.0; },
           [](PolicyLossOptions& o) {
             o.beta = 0.0;
             o.kl_estimator = losses::KlEstimator::kK2;
           },
           [](PolicyLossOptions& o) {
             o.name = PolicyMethod::kRloo;
             o.spread = losses::GroupSpread::kNone;
           }}) {
    PolicyLossOptions options;
    change(options);
    EXPECT_THROW(PolicyObjective(options, 1.0, 32.0), Error);
  }
  data::MicroBatch batch = completions_batch({0, 1});
  batch.sampled.advantages.clear();
  Head head;
  EXPECT_THROW(PolicyObjective({}, 1.0, 32.0).loss(hidden_of(batch), head.functions(), batch, nullptr),
               Error);
}

}  // namespace
}  // namespace caravan::trainer
