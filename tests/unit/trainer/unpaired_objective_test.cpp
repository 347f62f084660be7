// Losses on verdicts: against the gradient of the definition, against other splits of the step, and the
// baseline from mismatched documents that are not trained on.
#include "trainer/objectives/unpaired.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/support/close.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using at::Tensor;
using data::DocumentRole;
using tests::close;

constexpr std::int64_t kVocabulary = 23, kWidth = 8;

struct Head {
  Tensor weight_VD = at::sin(at::arange(kVocabulary * kWidth, at::kFloat) * 0.9).view({kVocabulary, kWidth});
  Tensor d_weight_VD = at::zeros({kVocabulary, kWidth});
  losses::OutputHead functions() {
    return {kVocabulary, [this](const Tensor& hidden) { return hidden.matmul(weight_VD.t()).contiguous(); },
            [this](const Tensor& d_logits, const Tensor& hidden) {
              d_weight_VD += d_logits.t().matmul(hidden);
              return d_logits.matmul(weight_VD);
            }};
  }
};

// Row i is good where i % 3 != 0; each is followed by its mismatched document.
data::MicroBatch rows_batch(const std::vector<std::uint32_t>& rows, bool mismatched = true) {
  data::MicroBatch batch;
  for (const std::uint32_t row : rows)
    for (std::uint32_t side = 0; side < (mismatched ? 2u : 1u); ++side) {
      append(batch, made_document(row * 2 + side, 6 + (row * 5 + side * 3) % 7, kVocabulary), row);
      batch.roles.push_back(side == 1      ? DocumentRole::kMismatched
                            : row % 3 != 0 ? DocumentRole::kDesirable
                                           : DocumentRole::kUndesirable);
    }
  for (std::size_t t = 0; t < batch.ids.size(); ++t)
    batch.reference_log_probs.push_back(-7.f - static_cast<float>(batch.ids[t] % 7) * 0.1f);
  return batch;
}

Tensor hidden_of(const data::MicroBatch& batch) {
  std::vector<float> values;
  for (std::size_t t = 0; t < batch.ids.size(); ++t)
    for (std::int64_t d = 0; d < kWidth; ++d)
      values.push_back(static_cast<float>(
          std::sin(0.7 * batch.ids[t] + 1.3 * static_cast<double>(d) + 0.4 * batch.positions[t])));
  return at::tensor(values).view({-1, kWidth});
}

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

struct Step {
  double loss = 0.0, baseline = 0.0;
  Tensor d_weight;
  std::map<std::string, double> metrics;
  std::vector<data::MicroBatch> batches;
};

Step run_step(const UnpairedLossOptions& options, const std::vector<std::vector<std::uint32_t>>& split,
              double scale) {
  Head head;
  Step out;
  const UnpairedObjective objective(options);
  for (const auto& group : split) out.batches.push_back(rows_batch(group, options.has_baseline()));
  objective.prepare(out.batches, ask_head(head));
  std::map<std::string, double> counts;
  for (const data::MicroBatch& batch : out.batches) {
    const ObjectiveResult r = objective.loss(hidden_of(batch), head.functions(), batch, &scale);
    out.loss += r.terms.loss.sum.item<double>() * scale;
    out.baseline = batch.step_values.at(0);
    for (const auto& [name, ratio] : r.terms.metrics) {
      out.metrics[name] += ratio.sum.item<double>();
      counts[name] += ratio.count;
    }
  }
  for (auto& [name, sum] : out.metrics) sum /= counts[name];
  out.d_weight = head.d_weight_VD;
  return out;
}

// Loss, baseline and gradient by automatic differentiation of whole logits.
struct Definition {
  double loss = 0.0, baseline = 0.0;
  Tensor d_weight;
};
Definition by_definition(const UnpairedLossOptions& o, const data::MicroBatch& batch, double scale) {
  const Tensor weight = Head().weight_VD.to(at::kDouble).requires_grad_(true);
  const Tensor log_p = hidden_of(batch).to(at::kDouble).matmul(weight.t()).log_softmax(1);
  std::vector<Tensor> ratios;
  for (std::size_t d = 0; d < batch.roles.size(); ++d) {
    Tensor ratio = at::zeros({}, at::kDouble);
    for (std::int64_t t = batch.doc_starts[d]; t < batch.doc_starts[d + 1]; ++t) {
      const auto at = static_cast<std::size_t>(t);
      if (batch.weights[at] != 0.f)
        ratio = ratio + log_p[t][batch.targets[at]] - static_cast<double>(batch.reference_log_probs[at]);
    }
    ratios.push_back(ratio);
  }
  double baseline = 0.0, rows = 0.0;
  for (std::size_t d = 0; d < ratios.size(); ++d)
    if (batch.roles[d] == DocumentRole::kMismatched) baseline += ratios[d].item<double>(), rows += 1.0;
  baseline = o.has_baseline() ? std::max(0.0, baseline / rows) : 0.0;
  Tensor loss = at::zeros({}, at::kDouble);
  for (std::size_t d = 0; d < ratios.size(); ++d) {
    if (batch.roles[d] == DocumentRole::kMismatched) continue;
    const bool good = batch.roles[d] == DocumentRole::kDesirable;
    const Tensor x = (good ? 1.0 : -1.0) * o.beta * (ratios[d] - baseline);
    loss = loss + (good ? o.desirable_weight : o.undesirable_weight) * (1.0 - x.sigmoid());
  }
  loss = loss * scale;
  return {loss.item<double>(), baseline, torch::autograd::grad({loss}, {weight})[0]};
}

UnpairedLossOptions options_of(losses::UnpairedLoss loss) {
  UnpairedLossOptions options;
  options.name = loss;
  options.beta = 0.3;
  options.desirable_weight = 1.2;
  options.undesirable_weight = 0.8;
  return options;
}

TEST(UnpairedObjective, GradientIsThatOfTheDefinition) {
  for (const auto loss : {losses::UnpairedLoss::kKto, losses::UnpairedLoss::kApoZeroUnpaired}) {
    const UnpairedLossOptions options = options_of(loss);
    const Step found = run_step(options, {{0, 1, 2, 3, 4}}, 0.2);
    const Definition wanted =
        by_definition(options, rows_batch({0, 1, 2, 3, 4}, options.has_baseline()), 0.2);
    EXPECT_NEAR(found.loss, wanted.loss, 1e-6);
    EXPECT_NEAR(found.baseline, wanted.baseline, 1e-5);
    EXPECT_TRUE(close(found.d_weight, wanted.d_weight, 1e-6));
    // Of some rows the baseline is above 0, else it would prove nothing.
    EXPECT_EQ(wanted.baseline > 0.05, options.has_baseline());
  }
}

TEST(UnpairedObjective, HowAStepIsSplitDoesNotMatter) {
  const UnpairedLossOptions options = options_of(losses::UnpairedLoss::kKto);
  const Step one = run_step(options, {{0, 1, 2, 3, 4, 5}}, 1.0 / 6.0);
  for (const auto& split : std::vector<std::vector<std::vector<std::uint32_t>>>{{{5, 0}, {3, 1, 2}, {4}},
                                                                                {{3}, {0}, {1, 2, 4, 5}}}) {
    const Step other = run_step(options, split, 1.0 / 6.0);
    EXPECT_NEAR(other.baseline, one.baseline, 1e-6);
    EXPECT_NEAR(other.loss, one.loss, 1e-7);
    EXPECT_TRUE(close(other.d_weight, one.d_weight, 1e-6));
    ASSERT_EQ(other.metrics.size(), one.metrics.size());
    for (const auto& [name, value] : one.metrics) EXPECT_NEAR(other.metrics.at(name), value, 1e-6) << name;
  }
}

TEST(UnpairedObjective, MetricsHaveTheNamesOfTheField) {
  const Step step = run_step(options_of(losses::UnpairedLoss::kKto), {{0, 1}, {2, 3}}, 0.25);
  for (const char* name :
       {"rewards/chosen", "rewards/rejected", "rewards/margins", "logps/chosen", "logps/rejected", "kl"})
    ASSERT_TRUE(step.metrics.contains(name)) << name;
  EXPECT_EQ(step.metrics.size(), 6u);
  EXPECT_NEAR(step.metrics.at("rewards/margins"),
              step.metrics.at("rewards/chosen") - step.metrics.at("rewards/rejected"), 1e-9);
  EXPECT_NEAR(step.metrics.at("kl"), step.baseline, 1e-9);
  // Answers of one kind alone have no margin.
  EXPECT_FALSE(
      run_step(options_of(losses::UnpairedLoss::kKto), {{1, 2}}, 0.5).metrics.contains("rewards/margins"));
}

TEST(UnpairedObjective, MismatchedDocumentsAreNotTrainedOn) {
  const Step step = run_step(options_of(losses::UnpairedLoss::kKto), {{0, 1}, {2}}, 1.0);
  ASSERT_EQ(step.batches.size(), 2u);
  EXPECT_EQ(step.batches[0].roles, (std::vector{DocumentRole::kUndesirable, DocumentRole::kDesirable}));
  const data::MicroBatch alone = rows_batch({0, 1}, false);
  EXPECT_EQ(step.batches[0].ids, alone.ids);
  EXPECT_EQ(step.batches[0].doc_starts, alone.doc_starts);
  EXPECT_EQ(step.batches[0].reference_log_probs, alone.reference_log_probs);
  EXPECT_EQ(UnpairedObjective({}).count(rows_batch({0, 1, 2})), 3.0);
}

TEST(UnpairedObjective, WhatDoesNotFitIsRefused) {
  Head head;
  const UnpairedObjective objective({});
  const data::MicroBatch unprepared = rows_batch({0}, false);
  EXPECT_THROW(objective.loss(hidden_of(unprepared), head.functions(), unprepared, nullptr), Error);
  std::vector<data::MicroBatch> without{rows_batch({0}, false)};
  EXPECT_THROW(objective.prepare(without, ask_head(head)), Error);
  data::MicroBatch pair = rows_batch({0, 1}, false);
  pair.step_values = {0.0, 2.0, 1.0};
  pair.roles = {DocumentRole::kChosen, DocumentRole::kRejected};
  EXPECT_THROW(objective.loss(hidden_of(pair), head.functions(), pair, nullptr), Error);
}

}  // namespace
}  // namespace caravan::trainer
