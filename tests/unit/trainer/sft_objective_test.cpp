// SFT against the reference reductions, smoothing and z-loss. The output head is the identity, so hidden
// states are logits.
#include "trainer/objectives/sft.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/support/close.h"
#include "tests/support/shared_data.h"
#include "tests/unit/trainer/tiny_training.h"

namespace caravan::trainer {
namespace {

using nlohmann::json;
using tests::close;

losses::OutputHead identity_head(std::int64_t vocab_size) {
  return {vocab_size, [](const at::Tensor& hidden) { return hidden.clone(); },
          [](const at::Tensor& d_logits, const at::Tensor&) { return d_logits.clone(); }};
}

// Each row a document; label t belongs to logits t.
data::MicroBatch batch_of(const std::vector<std::vector<std::int32_t>>& labels) {
  data::MicroBatch batch;
  batch.doc_starts.push_back(0);
  for (const auto& row : labels) {
    for (std::size_t t = 0; t < row.size(); ++t) {
      batch.ids.push_back(0);
      batch.targets.push_back(row[t] == -100 ? data::MicroBatch::kNoTarget : row[t]);
      batch.weights.push_back(row[t] == -100 ? 0.f : 1.f);
      batch.positions.push_back(static_cast<std::int32_t>(t));
    }
    batch.doc_starts.push_back(static_cast<std::int32_t>(batch.ids.size()));
    batch.documents.push_back({});
    batch.document_indices.push_back(static_cast<std::uint32_t>(batch.documents.size()));
  }
  return batch;
}

at::Tensor cube(const json& values) {  // [B, S, V] -> [B S, V]
  std::vector<double> flat;
  for (const json& row : values)
    for (const json& token : row)
      for (const json& value : token) flat.push_back(value);
  return at::tensor(flat, at::kDouble).view({-1, static_cast<std::int64_t>(values.at(0).at(0).size())});
}

json vector_named(const std::string& name) {
  json vectors;
  std::ifstream(tests::shared_data() / "goldens/losses/sft.json") >> vectors;
  for (const json& vector : vectors)
    if (vector.at("name") == name) return vector;
  throw std::out_of_range("sft.json has no " + name);
}

LossOptions options_of(const json& params) {
  LossOptions options;
  const std::string reduction = params.value("reduction", "token_mean");
  if (reduction.starts_with("sum")) options.reduction = Reduction::kSum;
  if (reduction == "example_mean") options.reduction = Reduction::kExampleMean;
  options.label_smoothing_factor = params.value("label_smoothing", 0.0);
  options.z_loss = params.value("z_loss", 0.0);
  return options;
}

class SftGoldens : public testing::TestWithParam<std::string> {};

TEST_P(SftGoldens, LossAndGradient) {
  SKIP_WITHOUT_SHARED_DATA();
  const json vector = vector_named(GetParam());
  const json &params = vector.at("params"), &expected = vector.at("expected");
  const at::Tensor logits = cube(vector.at("inputs").at("logits"));
  const data::MicroBatch batch = batch_of(vector.at("inputs").at("labels"));
  const LossOptions options = options_of(params);
  const SftObjective objective(options);
  if (expected.contains("num_tokens")) {
    EXPECT_EQ(objective.count(batch), expected.at("num_tokens").get<double>());
  }
  // Token-mean over several micro-batches: the count comes from all of them.
  const double divisor = params.contains("num_items") ? params.at("num_items").get<double>()
                                                      : objective.divisor(objective.count(batch));
  const double scale = 1.0 / divisor;
  const auto result = objective.loss(logits.to(at::kFloat), identity_head(logits.size(1)), batch, &scale);
  const double wanted = expected.at("loss");
  EXPECT_NEAR(result.terms.loss.sum.item<double>() * scale, wanted, 1e-6 * wanted);
  EXPECT_TRUE(close(result.d_hidden_TD, cube(expected.at("grad").at("logits")),
                    1e-6 * (options.reduction == Reduction::kSum ? 1.0 : scale) + 1e-7));
  if (options.z_loss > 0.0) {
    EXPECT_NEAR(result.terms.metrics.at("z_loss").sum.item<double>() * scale,
                expected.at("z_loss").get<double>(), 1e-8);
  } else {
    EXPECT_TRUE(result.terms.metrics.empty());
  }

  const auto evaluated = objective.loss(logits.to(at::kFloat), identity_head(logits.size(1)), batch, nullptr);
  EXPECT_EQ(evaluated.terms.loss.sum.item<double>(), result.terms.loss.sum.item<double>());
  EXPECT_FALSE(evaluated.d_hidden_TD.defined());
}

INSTANTIATE_TEST_SUITE_P(All, SftGoldens,
                         testing::Values("ce_token_mean", "ce_sum", "ce_example_mean",
                                         "ce_example_mean_empty_row", "ce_num_items", "ce_label_smoothing",
                                         "ce_z_loss"),
                         [](const auto& test) { return test.param; });

// A sum over the step divided once is neither the mean of means nor, unless asked, the plain sum.
TEST(SftObjective, AccumulationDividesOnceByAllTokens) {
  SKIP_WITHOUT_SHARED_DATA();
  const json vector = vector_named("accumulation");
  const std::vector<double> sums = vector.at("inputs").at("loss_sums"),
                            tokens = vector.at("inputs").at("num_tokens");
  const double sum = std::accumulate(sums.begin(), sums.end(), 0.0),
               count = std::accumulate(tokens.begin(), tokens.end(), 0.0);
  const auto reduced = [&](Reduction reduction) {
    LossOptions options;
    options.reduction = reduction;
    return sum / SftObjective(options).divisor(count);
  };
  EXPECT_NEAR(reduced(Reduction::kTokenMean), vector.at("expected").at("token_mean_global").get<double>(),
              1e-10);
  // The reference averages its sum over micro-batches; ours must not depend on how many there were.
  EXPECT_NEAR(reduced(Reduction::kSum),
              vector.at("expected").at("sum").get<double>() * static_cast<double>(sums.size()), 1e-10);
}

// Every example counts one in whichever micro-batch it lies; one without trained tokens does not count.
TEST(SftObjective, ExampleMeanCountsDocumentsThatAreTrained) {
  LossOptions options;
  options.reduction = Reduction::kExampleMean;
  const SftObjective objective(options);
  const auto batch = batch_of({{1, 2, -100}, {-100, -100, -100}, {-100, 3, -100}});
  EXPECT_EQ(objective.count(batch), 2.0);
  EXPECT_EQ(objective.divisor(5.0), 5.0);
  const at::Tensor logits = at::zeros({9, 4});
  const double scale = 1.0;
  const auto result = objective.loss(logits, identity_head(4), batch, &scale);
  EXPECT_NEAR(result.terms.loss.sum.item<double>(), 2.0 * std::log(4.0), 1e-6);
  EXPECT_EQ(result.terms.loss.count, 2.0);
  // Each trained token of the first document has half the gradient of the lone one of the third.
  EXPECT_TRUE(at::allclose(result.d_hidden_TD[0].abs().sum() * 2, result.d_hidden_TD[7].abs().sum()));
}

TEST(SftObjective, ABatchWithoutTrainedTokensCostsNothing) {
  const SftObjective objective{LossOptions{}};
  const auto batch = batch_of({{-100, -100}});
  const double scale = 1.0;
  const auto result = objective.loss(at::randn({2, 6}), identity_head(6), batch, &scale);
  EXPECT_EQ(objective.count(batch), 0.0);
  EXPECT_EQ(result.terms.loss.sum.item<double>(), 0.0);
  EXPECT_TRUE(at::equal(result.d_hidden_TD, at::zeros({2, 6})));
}

}  // namespace
}  // namespace caravan::trainer
