// Losses on packed pairs: against the gradient of the definition through logits, against other splits of the
// same step, and that no more than a chunk of logits is ever asked for.
#include "trainer/objectives/preference.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "losses/sequence_sums.h"
#include "tests/support/close.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/batch_tensors.h"
#include "trainer/error.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {
namespace {

using at::Tensor;
using losses::PreferenceLoss;
using tests::close;

constexpr std::int64_t kVocabulary = 23, kWidth = 8;

// A head that remembers how many rows it was asked for, and the gradient of its weight.
struct Head {
  Tensor weight_VD, d_weight_VD = at::zeros({kVocabulary, kWidth});
  std::int64_t max_rows = 0, walks = 0;

  losses::OutputHead functions() {
    return {kVocabulary,
            [this](const Tensor& hidden) {
              max_rows = std::max(max_rows, hidden.size(0));
              ++walks;
              return hidden.matmul(weight_VD.t()).contiguous();
            },
            [this](const Tensor& d_logits, const Tensor& hidden) {
              d_weight_VD += d_logits.t().matmul(hidden);
              return d_logits.matmul(weight_VD);
            }};
  }
};

// Pair i: answers of different lengths behind a prompt of 3, ids a function of (pair, side, position).
data::MicroBatch pairs_batch(const std::vector<std::uint32_t>& pairs, bool reference = true) {
  data::MicroBatch batch;
  for (const std::uint32_t pair : pairs) {
    for (std::uint32_t side = 0; side < 2; ++side) {
      Document document = made_document(pair * 2 + side, 6 + (pair * 5 + side * 3) % 7, kVocabulary);
      for (std::size_t t = 0; t < document.trained.size(); ++t) document.trained[t] = t >= 3;
      append(batch, document, pair);
      batch.roles.push_back(side == 0 ? data::DocumentRole::kChosen : data::DocumentRole::kRejected);
    }
  }
  for (std::size_t t = 0; reference && t < batch.ids.size(); ++t)
    batch.reference_log_probs.push_back(-0.5f - static_cast<float>(batch.ids[t] % 7) * 0.5f -
                                        static_cast<float>(batch.positions[t] % 3));
  return batch;
}

// Hidden states that belong to ids and positions, wherever they are packed.
Tensor hidden_of(const data::MicroBatch& batch) {
  std::vector<float> values;
  for (std::size_t t = 0; t < batch.ids.size(); ++t)
    for (std::int64_t d = 0; d < kWidth; ++d)
      values.push_back(static_cast<float>(
          std::sin(0.7 * batch.ids[t] + 1.3 * static_cast<double>(d) + 0.4 * batch.positions[t])));
  return at::tensor(values).view({-1, kWidth});
}

Tensor head_weight() {
  return at::sin(at::arange(kVocabulary * kWidth, at::kFloat) * 0.9).view({kVocabulary, kWidth}) * 0.8;
}

struct Definition {
  Tensor loss, d_hidden, d_weight;
};
// DPO of averages with likelihood term and length weights, by automatic differentiation of whole logits.
Definition by_definition(const data::MicroBatch& batch, const PreferenceLossOptions& o) {
  const Tensor hidden = hidden_of(batch).to(at::kDouble).requires_grad_(true),
               weight = head_weight().to(at::kDouble).requires_grad_(true);
  const Tensor log_p = hidden.matmul(weight.t()).log_softmax(1);
  std::vector<Tensor> scores, nlls;
  Tensor loss = at::zeros({}, at::kDouble);
  std::vector<std::int64_t> lengths;
  for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d)
    lengths.push_back(batch.doc_starts[d + 1] - batch.doc_starts[d] - 3);
  for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d) {
    const std::int64_t other = lengths[d % 2 == 0 ? d + 1 : d - 1];
    Tensor ratio = at::zeros({}, at::kDouble), nll = at::zeros({}, at::kDouble);
    std::int64_t seen = 0;
    for (std::int64_t t = batch.doc_starts[d]; t < batch.doc_starts[d + 1]; ++t) {
      const auto at = static_cast<std::size_t>(t);
      if (batch.weights[at] == 0.f) continue;
      const Tensor p = log_p[t][batch.targets[at]];
      const double factor = seen++ < other ? 1.0 : o.ld_alpha;
      ratio = ratio + factor * (p - static_cast<double>(batch.reference_log_probs[at]));
      nll = nll - p;
    }
    EXPECT_EQ(seen, lengths[d]);
    scores.push_back(ratio / static_cast<double>(seen));
    nlls.push_back(nll / static_cast<double>(seen));
  }
  for (std::size_t d = 0; d < scores.size(); d += 2)
    loss = loss - at::log_sigmoid(o.beta * (scores[d] - scores[d + 1])) + o.nll_weight * nlls[d];
  const auto d = torch::autograd::grad({loss}, {hidden, weight});
  return {loss.detach(), d[0], d[1]};
}

TEST(PreferenceObjective, GradientIsThatOfTheDefinition) {
  PreferenceLossOptions options;
  options.name = PreferenceLoss::kDpoNorm;
  options.beta = 2.0;
  options.nll_weight = 0.3;
  options.ld_alpha = 0.4;
  const data::MicroBatch batch = pairs_batch({0, 1, 2, 3, 4});
  const Definition wanted = by_definition(batch, options);
  Head head{head_weight()};
  const double scale = 0.25;
  const PreferenceObjective objective(options);
  EXPECT_EQ(objective.count(batch), 5.0);
  const ObjectiveResult found = objective.loss(hidden_of(batch), head.functions(), batch, &scale);
  EXPECT_TRUE(close(found.terms.loss.sum, wanted.loss, 1e-5));
  EXPECT_TRUE(close(found.d_hidden_TD, scale * wanted.d_hidden, 1e-6));
  EXPECT_TRUE(close(head.d_weight_VD, scale * wanted.d_weight, 1e-6));
  const ObjectiveResult evaluated = objective.loss(hidden_of(batch), head.functions(), batch, nullptr);
  EXPECT_EQ(evaluated.terms.loss.sum.item<double>(), found.terms.loss.sum.item<double>());
  EXPECT_FALSE(evaluated.d_hidden_TD.defined());
}

TEST(PreferenceObjective, HowPairsAreSplitDoesNotMatter) {
  for (const PreferenceLoss loss : {PreferenceLoss::kDpo, PreferenceLoss::kIpo, PreferenceLoss::kApoZero}) {
    PreferenceLossOptions options;
    options.name = loss;
    const PreferenceObjective objective(options);
    std::vector<Tensor> gradients;
    std::vector<std::map<std::string, double>> metrics;
    for (const auto& split : std::vector<std::vector<std::vector<std::uint32_t>>>{
             {{0, 1, 2, 3, 4, 5}}, {{5, 0}, {3, 1, 2}, {4}}, {{0}, {1}, {2}, {3}, {4}, {5}}}) {
      Head head{head_weight()};
      std::map<std::string, double>& sums = metrics.emplace_back();
      const double scale = 1.0 / 6.0;
      for (const auto& group : split) {
        const data::MicroBatch batch = pairs_batch(group);
        const ObjectiveResult r = objective.loss(hidden_of(batch), head.functions(), batch, &scale);
        sums["loss"] += r.terms.loss.sum.item<double>();
        for (const auto& [name, ratio] : r.terms.metrics) sums[name] += ratio.sum.item<double>();
      }
      gradients.push_back(head.d_weight_VD);
    }
    for (std::size_t i = 1; i < gradients.size(); ++i) {
      const double size = gradients[0].abs().max().item<double>();
      EXPECT_TRUE(close(gradients[i], gradients[0], 1e-6 * size + 1e-8));
      for (const auto& [name, sum] : metrics[0])
        EXPECT_NEAR(metrics[i].at(name), sum, 1e-6 * std::abs(sum) + 1e-9) << name;
    }
  }
}

// A model that is asked about micro-batches answers with what their hidden states give.
AskModel ask_head(Head& head) {
  return [&head](const std::vector<data::MicroBatch>& batches, const Answer& answer) {
    std::vector<std::vector<double>> all;
    for (const data::MicroBatch& batch : batches) {
      const Tensor numbers = answer(hidden_of(batch), head.functions(), batch).contiguous();
      all.emplace_back(numbers.data_ptr<double>(), numbers.data_ptr<double>() + numbers.numel());
    }
    return all;
  };
}

// What sorts pairs sorts those of the whole step, however they are split: as losses::preference_loss does
// with all of them.
TEST(PreferenceObjective, PairsOfAStepAreSortedTogether) {
  for (const PreferenceLoss loss : {PreferenceLoss::kAot, PreferenceLoss::kAotUnpaired}) {
    PreferenceLossOptions options;
    options.name = loss;
    options.nll_weight = 0.2;
    const PreferenceObjective objective(options);
    ASSERT_TRUE(objective.prepares());
    // The pairs' sums come out of a loss that does not sort.
    PreferenceLossOptions plain;
    plain.beta = 1.0;
    std::vector<double> chosen, rejected, reference_chosen, reference_rejected;
    Head ruler{head_weight()};
    for (std::uint32_t pair = 0; pair < 6; ++pair) {
      const data::MicroBatch batch = pairs_batch({pair});
      const auto metrics =
          PreferenceObjective(plain).loss(hidden_of(batch), ruler.functions(), batch, nullptr).terms.metrics;
      const auto value = [&](const char* name) { return metrics.at(name).sum.item<double>(); };
      chosen.push_back(value("logps/chosen"));
      rejected.push_back(value("logps/rejected"));
      reference_chosen.push_back(value("logps/chosen") - value("rewards/chosen"));
      reference_rejected.push_back(value("logps/rejected") - value("rewards/rejected"));
    }
    const Tensor ones = at::ones({6}, at::kDouble);
    losses::PreferenceOptions wanted_options;
    wanted_options.terms = {{loss, 1.0}};
    const double wanted =
        losses::preference_loss({at::tensor(chosen, at::kDouble), at::tensor(rejected, at::kDouble),
                                 at::tensor(reference_chosen, at::kDouble),
                                 at::tensor(reference_rejected, at::kDouble), ones, ones},
                                wanted_options)
            .loss_B.sum()
            .item<double>();

    std::vector<Tensor> gradients;
    for (const auto& split : std::vector<std::vector<std::vector<std::uint32_t>>>{
             {{0, 1, 2, 3, 4, 5}}, {{5, 0}, {3, 1, 2}, {4}}, {{0}, {1}, {2}, {3}, {4}, {5}}}) {
      Head head{head_weight()};
      std::vector<data::MicroBatch> step;
      for (const auto& group : split) step.push_back(pairs_batch(group));
      objective.prepare(step, ask_head(head));
      const double scale = 1.0 / 6.0;
      double sum = 0.0;
      for (const data::MicroBatch& batch : step) {
        const ObjectiveResult r = objective.loss(hidden_of(batch), head.functions(), batch, &scale);
        sum += r.terms.loss.sum.item<double>() -
               options.nll_weight * r.terms.metrics.at("nll").sum.item<double>();
      }
      EXPECT_NEAR(sum, wanted, 1e-5);
      gradients.push_back(head.d_weight_VD);
    }
    for (std::size_t i = 1; i < gradients.size(); ++i)
      EXPECT_TRUE(close(gradients[i], gradients[0], 1e-6 * gradients[0].abs().max().item<double>() + 1e-8));
    // Alone, a micro-batch does not know its step.
    const data::MicroBatch batch = pairs_batch({0});
    EXPECT_THROW(objective.loss(hidden_of(batch), ruler.functions(), batch, nullptr), Error);
  }
  EXPECT_FALSE(PreferenceObjective(PreferenceLossOptions{}).prepares());
}

TEST(PreferenceObjective, MetricsHaveTheNamesOfTheField) {
  const PreferenceObjective objective(PreferenceLossOptions{});
  const data::MicroBatch batch = pairs_batch({0, 1, 2});
  Head head{head_weight()};
  const auto metrics = objective.loss(hidden_of(batch), head.functions(), batch, nullptr).terms.metrics;
  for (const char* name : {"rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies",
                           "logps/chosen", "logps/rejected"}) {
    ASSERT_TRUE(metrics.contains(name)) << name;
    EXPECT_EQ(metrics.at(name).count, 3.0) << name;
  }
  EXPECT_EQ(metrics.size(), 6u);
  const auto value = [&](const char* name) { return metrics.at(name).sum.item<double>(); };
  EXPECT_NEAR(value("rewards/margins"), value("rewards/chosen") - value("rewards/rejected"), 1e-9);
  EXPECT_LT(value("logps/chosen"), 0.0);
}

// The policy as its own reference: no reward, and the loss of a coin.
TEST(PreferenceObjective, TheReferenceItselfHasNoReward) {
  data::MicroBatch batch = pairs_batch({0, 1, 2, 3}, false);
  Head head{head_weight()};
  const Tensor stored = trained_log_probs(hidden_of(batch), head.functions(), batch);
  batch.reference_log_probs.assign(stored.data_ptr<float>(), stored.data_ptr<float>() + stored.numel());
  const ObjectiveResult r =
      PreferenceObjective(PreferenceLossOptions{}).loss(hidden_of(batch), head.functions(), batch, nullptr);
  EXPECT_EQ(r.terms.metrics.at("rewards/margins").sum.item<double>(), 0.0);
  EXPECT_EQ(r.terms.metrics.at("rewards/accuracies").sum.item<double>(), 0.0);
  EXPECT_DOUBLE_EQ(r.terms.loss.sum.item<double>(), 4.0 * std::log(2.0));
}

TEST(PreferenceObjective, LogitsComeInChunksHoweverManyPairs) {
  const PreferenceObjective objective(PreferenceLossOptions{});
  const double scale = 1.0;
  std::vector<std::int64_t> most;
  for (const std::uint32_t count : {400u, 1600u}) {
    std::vector<std::uint32_t> numbers(count);
    for (std::uint32_t i = 0; i < count; ++i) numbers[i] = i;
    const data::MicroBatch batch = pairs_batch(numbers);
    Head head{head_weight()};
    losses::OutputHead functions = head.functions();
    // A vocabulary in name: chunks are sized by it.
    functions.vocab_size = 128 * 1024;
    const ObjectiveResult in_runs = objective.loss(hidden_of(batch), functions, batch, &scale);
    most.push_back(head.max_rows);
    // Run after run the same comes out as at once.
    Head whole{head_weight()};
    const ObjectiveResult at_once = objective.loss(hidden_of(batch), whole.functions(), batch, &scale);
    EXPECT_GT(head.walks, whole.walks);
    EXPECT_EQ(in_runs.terms.loss.sum.item<double>(), at_once.terms.loss.sum.item<double>());
    EXPECT_TRUE(close(in_runs.d_hidden_TD, at_once.d_hidden_TD, 1e-6));
    EXPECT_TRUE(close(head.d_weight_VD, whole.d_weight_VD, 1e-3));
  }
  EXPECT_EQ(most[0], most[1]);
  EXPECT_LE(most[0], 64);
}

TEST(PreferenceObjective, WhatDoesNotFitIsRefused) {
  Head head{head_weight()};
  const PreferenceObjective objective(PreferenceLossOptions{});
  const data::MicroBatch without = pairs_batch({0}, false);
  EXPECT_THROW(objective.loss(hidden_of(without), head.functions(), without, nullptr), Error);
  data::MicroBatch examples = pairs_batch({0});
  examples.roles = {data::DocumentRole::kExample, data::DocumentRole::kExample};
  EXPECT_THROW(objective.loss(hidden_of(examples), head.functions(), examples, nullptr), Error);
  PreferenceLossOptions simpo;
  simpo.name = PreferenceLoss::kSimpo;
  EXPECT_FALSE(simpo.needs_reference());
  EXPECT_NO_THROW(PreferenceObjective(simpo).loss(hidden_of(without), head.functions(), without, nullptr));
  for (const auto change : std::vector<void (*)(PreferenceLossOptions&)>{
           [](PreferenceLossOptions& o) { o.beta = 0.0; },
           [](PreferenceLossOptions& o) { o.gamma_beta_ratio = 1.0; },
           [](PreferenceLossOptions& o) {
             o.further = {{PreferenceLoss::kExoPair, 1.0}};
           }}) {
    PreferenceLossOptions options;
    change(options);
    EXPECT_THROW(PreferenceObjective{options}, Error);
  }
}

}  // namespace
}  // namespace caravan::trainer
