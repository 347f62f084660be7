// The equality set of the forward and backward pass: packing, micro-batches, recomputation, threads; all must
// give the same gradient.
#include "trainer/segmented_pass.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <sstream>

#include "models/error.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/batch_tensors.h"
#include "trainer/objectives/sft.h"
#include "trainer/rollout/rollout_batches.h"

namespace caravan::trainer {
namespace {

const std::vector<std::size_t> kLengths{23, 1, 64, 9, 65, 130, 2, 40};

struct Outcome {
  double loss = 0.0;
  std::map<std::string, at::Tensor> gradients;
  std::vector<at::Tensor> hidden;  // one a micro-batch
};

// Loss and gradients of all micro-batches as one step, divided by the count of all.
Outcome run(const models::LlamaConfig& config, const std::vector<data::MicroBatch>& batches,
            std::int64_t recompute_every = 0, Reduction reduction = Reduction::kTokenMean,
            at::ScalarType dtype = at::kFloat) {
  models::Llama model = tiny_model(config, dtype);
  LossOptions options;
  options.reduction = reduction;
  const SftObjective objective(options);
  UnitShards units(model);
  SegmentedPass pass(units, recompute_every);
  double count = 0.0;
  for (const auto& batch : batches) count += objective.count(batch);
  const double scale = 1.0 / objective.divisor(count);
  Outcome outcome;
  for (const auto& batch : batches) {
    outcome.hidden.push_back(pass.forward(model_input(batch, at::kCPU)));
    const ObjectiveResult result = objective.loss(outcome.hidden.back(), head_of(model), batch, &scale);
    pass.backward(result.d_hidden_TD);
    outcome.loss += result.terms.loss.sum.item<double>() * scale;
  }
  outcome.gradients = gradients_of(model);
  return outcome;
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>() /
         b.to(at::kDouble).norm().item<double>();
}

void expect_same_gradients(const Outcome& found, const Outcome& wanted, double tolerance) {
  EXPECT_NEAR(found.loss, wanted.loss, 1e-6 * wanted.loss);
  double worst = 0.0;
  for (const auto& [name, gradient] : wanted.gradients) {
    ASSERT_GT(gradient.abs().max().item<double>(), 0.0) << name;
    const double difference = relative_difference(found.gradients.at(name), gradient);
    EXPECT_LE(difference, tolerance) << name;
    worst = std::max(worst, difference);
  }
  std::ostringstream text;
  text << worst;
  testing::Test::RecordProperty("worst_relative_difference", text.str());
}

void expect_same_bits(const Outcome& found, const Outcome& wanted) {
  EXPECT_EQ(found.loss, wanted.loss);
  for (const auto& [name, gradient] : wanted.gradients)
    EXPECT_TRUE(at::equal(found.gradients.at(name), gradient)) << name;
}

models::LlamaConfig config_of(models::ModelType type, bool tied) {
  models::LlamaConfig config = tiny_config();
  config.model_type = type;
  config.tie_word_embeddings = tied;
  return config;
}

class SameGradient : public testing::TestWithParam<models::LlamaConfig> {};

// Three prompts, of one token, 40 and 70, with four completions each.
std::vector<data::MicroBatch> rollout(bool share_prompts, std::int64_t micro_tokens) {
  const std::vector<std::size_t> prompts{1, 40, 70}, completions{9, 2, 30, 65};
  std::vector<data::Prompt> all(prompts.size());
  std::vector<Trajectory> trajectories;
  for (std::uint32_t p = 0; p < prompts.size(); ++p) {
    all[p].ids = made_document(p, prompts[p]).ids;
    for (std::uint32_t c = 0; c < completions.size(); ++c) {
      Trajectory& one = trajectories.emplace_back();
      one.prompt = p;
      one.ids = made_document(100 + 4 * p + c, completions[c]).ids;
    }
  }
  std::vector<const Trajectory*> pointers;
  for (const Trajectory& one : trajectories) pointers.push_back(&one);
  return rollout_batches(pointers, [&](std::uint32_t prompt) -> const data::Prompt& { return all[prompt]; },
                         {.micro_tokens = micro_tokens, .share_prompts = share_prompts});
}

// Hidden states where something is trained, by trajectory.
std::map<std::uint32_t, at::Tensor> trained_rows(const Outcome& outcome,
                                                 const std::vector<data::MicroBatch>& batches) {
  std::map<std::uint32_t, at::Tensor> rows;
  for (std::size_t b = 0; b < batches.size(); ++b)
    for (std::size_t d = 0; d + 1 < batches[b].doc_starts.size(); ++d) {
      std::vector<at::Tensor> of_one;
      for (auto t = static_cast<std::size_t>(batches[b].doc_starts[d]);
           t < static_cast<std::size_t>(batches[b].doc_starts[d + 1]); ++t)
        if (batches[b].weights[t] != 0.f) of_one.push_back(outcome.hidden[b][static_cast<std::int64_t>(t)]);
      rows[batches[b].document_indices[d]] = at::stack(of_one);
    }
  return rows;
}

TEST_P(SameGradient, ForPromptsThatAreShared) {
  const auto copies = rollout(false, 4096);
  ASSERT_EQ(copies.size(), 1u);
  const Outcome wanted = run(GetParam(), copies);
  const auto rows = trained_rows(wanted, copies);
  for (const std::int64_t micro_tokens : {4096, 250, 135}) {
    const auto shared = rollout(true, micro_tokens);
    for (const std::int64_t recompute_every : {0, 1}) {
      const Outcome found = run(GetParam(), shared, recompute_every);
      expect_same_gradients(found, wanted, 2e-6);
      const auto found_rows = trained_rows(found, shared);
      ASSERT_EQ(found_rows.size(), 12u);
      for (const auto& [trajectory, row] : rows)
        EXPECT_TRUE(at::equal(found_rows.at(trajectory), row)) << "completion " << trajectory;
    }
  }
}

TEST_P(SameGradient, ForAnySplitIntoMicroBatches) {
  const Outcome whole = run(GetParam(), packed(kLengths, {{0, 1, 2, 3, 4, 5, 6, 7}}));
  expect_same_gradients(run(GetParam(), packed(kLengths, {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}})), whole,
                        1e-6);
  expect_same_gradients(run(GetParam(), packed(kLengths, {{0, 1, 2}, {3, 4}, {5, 6, 7}})), whole, 1e-6);
}

TEST_P(SameGradient, ForAnyOrderOfPacking) {
  const Outcome whole = run(GetParam(), packed(kLengths, {{0, 1, 2, 3, 4, 5, 6, 7}}));
  expect_same_gradients(run(GetParam(), packed(kLengths, {{5, 2, 7, 1, 0, 3, 6, 4}})), whole, 1e-6);
  expect_same_gradients(run(GetParam(), packed(kLengths, {{7, 4}, {6, 5, 0}, {3, 2, 1}})), whole, 1e-6);
}

TEST_P(SameGradient, ForExampleMeans) {
  const Outcome whole =
      run(GetParam(), packed(kLengths, {{0, 1, 2, 3, 4, 5, 6, 7}}), 0, Reduction::kExampleMean);
  expect_same_gradients(
      run(GetParam(), packed(kLengths, {{3, 1}, {0, 2, 6}, {4, 5, 7}}), 0, Reduction::kExampleMean), whole,
      1e-6);
}

// The same arithmetic in the same order, so not a bit may differ.
TEST_P(SameGradient, ForAnyRecomputationInEveryBit) {
  const auto batches = packed(kLengths, {{0, 1, 2, 3}, {4, 5, 6, 7}});
  const Outcome kept = run(GetParam(), batches);
  for (const std::int64_t every : {1, 2, 3}) expect_same_bits(run(GetParam(), batches, every), kept);
}

TEST_P(SameGradient, ForAnyRecomputationInEveryBitOfBf16) {
  const auto batches = packed(kLengths, {{0, 1, 2, 3}, {4, 5, 6, 7}});
  const Outcome kept = run(GetParam(), batches, 0, Reduction::kTokenMean, at::kBFloat16);
  for (const std::int64_t every : {1, 2})
    expect_same_bits(run(GetParam(), batches, every, Reduction::kTokenMean, at::kBFloat16), kept);
}

TEST_P(SameGradient, TwiceInEveryBit) {
  const auto batches = packed(kLengths, {{0, 1, 2, 3, 4, 5, 6, 7}});
  expect_same_bits(run(GetParam(), batches), run(GetParam(), batches));
}

// Our kernels do not depend on the number of threads at all; the libraries behind matrix products may split
// their sums.
TEST_P(SameGradient, ForAnyNumberOfThreads) {
  const auto batches = packed(kLengths, {{0, 1, 2, 3, 4, 5, 6, 7}});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Outcome one = run(GetParam(), batches);
  at::set_num_threads(2);
  const Outcome two = run(GetParam(), batches);
  at::set_num_threads(before);
  expect_same_gradients(two, one, 1e-6);
}

// bf16 arithmetic rounds each product: its unit is 2^-8, and the sum over tokens averages it.
TEST_P(SameGradient, ForAnySplitInBf16WithinItsUnit) {
  const auto bf16 = [&](const auto& batches) {
    return run(GetParam(), batches, 0, Reduction::kTokenMean, at::kBFloat16);
  };
  const Outcome whole = bf16(packed(kLengths, {{0, 1, 2, 3, 4, 5, 6, 7}}));
  const Outcome split = bf16(packed(kLengths, {{0, 1, 2}, {3, 4}, {5, 6, 7}}));
  for (const auto& [name, gradient] : whole.gradients)
    EXPECT_LE(relative_difference(split.gradients.at(name), gradient), 0x1p-7) << name;
}

INSTANTIATE_TEST_SUITE_P(Models, SameGradient,
                         testing::Values(config_of(models::ModelType::kLlama, false),
                                         config_of(models::ModelType::kQwen3, true),
                                         config_of(models::ModelType::kOlmo2, false)),
                         [](const auto& test) {
                           return std::string(models::model_type_name(test.param.model_type));
                         });

// Documents must not see each other at all: what stands before does not change a bit of what a row-wise
// product gives.
TEST(SegmentedPass, HiddenStatesOfADocumentDoNotDependOnItsNeighbours) {
  const models::LlamaConfig config = tiny_config();
  models::Llama model = tiny_model(config);
  UnitShards units(model);
  SegmentedPass pass(units, 0);
  const auto states = [&](const std::vector<std::uint32_t>& group) {
    return pass.evaluate(model_input(packed(kLengths, {group})[0], at::kCPU));
  };
  const at::Tensor alone = states({4}), behind = states({0, 2, 4}).narrow(0, 23 + 64, 65),
                   before = states({4, 5}).narrow(0, 0, 65);
  EXPECT_LE(relative_difference(behind, alone), 1e-6);
  EXPECT_LE(relative_difference(before, alone), 1e-6);
}

TEST(SegmentedPass, EvaluationEqualsTheForwardPassAndNamesItsUnits) {
  models::Llama model = tiny_model(tiny_config());
  UnitShards units(model);
  SegmentedPass pass(units, 2);
  const auto batch = packed(kLengths, {{0, 3, 6}})[0];
  const at::Tensor trained = pass.forward(model_input(batch, at::kCPU));
  std::vector<std::string> names;
  const at::Tensor evaluated =
      pass.evaluate(model_input(batch, at::kCPU), [&](const std::string& name, const at::Tensor& x) {
        names.push_back(name);
        EXPECT_EQ(x.sizes(), at::IntArrayRef({34, 48}));
      });
  EXPECT_TRUE(at::equal(trained, evaluated));
  EXPECT_EQ(names, (std::vector<std::string>{"model.embed_tokens", "model.layers.0", "model.layers.1",
                                             "model.layers.2", "model.layers.3", "model.norm"}));
}

TEST(SegmentedPass, PositionsBeyondTheModelsAreRefused) {
  models::LlamaConfig config = tiny_config(1);
  config.max_position_embeddings = 64;
  models::Llama model = tiny_model(config);
  UnitShards units(model);
  SegmentedPass pass(units, 0);
  EXPECT_NO_THROW(pass.forward(model_input(packed(kLengths, {{2, 0}})[0], at::kCPU)));
  EXPECT_THROW(pass.forward(model_input(packed(kLengths, {{2, 4}})[0], at::kCPU)), models::Error);
}

// A frozen model (no gradient buffers) still passes gradients through: reference models and adapters need
// that.
TEST(SegmentedPass, AModelWithoutGradientsIsNotTouched) {
  models::Llama model(tiny_config(), at::kFloat, at::kCPU);
  model.initialize(7);
  const at::Tensor before = model.units()[1].values().clone();
  UnitShards units(model);
  SegmentedPass pass(units, 0);
  const at::Tensor hidden = pass.forward(model_input(packed(kLengths, {{0}})[0], at::kCPU));
  pass.backward(at::ones_like(hidden));
  EXPECT_TRUE(at::equal(model.units()[1].values(), before));
  EXPECT_FALSE(model.units()[1].gradients().defined());
}

// d loss / d weight by central differences of the loss itself: whatever the pieces do, their sum must be
// this.
TEST(SegmentedPass, GradientsAreThoseOfFiniteDifferences) {
  models::LlamaConfig config = tiny_config(2);
  models::Llama model = tiny_model(config);
  const SftObjective objective{LossOptions{}};
  UnitShards units(model);
  SegmentedPass pass(units, 0);
  const data::MicroBatch batch = packed(kLengths, {{0, 3}})[0];
  const double scale = 1.0 / objective.count(batch);
  const auto loss = [&] {
    return objective.loss(pass.evaluate(model_input(batch, at::kCPU)), head_of(model), batch, nullptr)
               .terms.loss.sum.item<double>() *
           scale;
  };
  pass.backward(
      objective.loss(pass.forward(model_input(batch, at::kCPU)), head_of(model), batch, &scale).d_hidden_TD);
  for (models::FlatUnit& unit : model.units())
    for (const models::Slot& slot : unit.slots()) {
      // Along the gradient itself the derivative is its norm: the direction in which fp32 noise matters
      // least.
      const at::Tensor gradient = unit.gradient(slot).clone(), start = unit.value(slot).clone();
      const double norm = gradient.to(at::kDouble).norm().item<double>(), h = 2e-3;
      at::Tensor value = unit.value(slot);
      const auto at_distance = [&](double distance) {
        value.copy_(start + gradient * (distance / norm));
        return loss();
      };
      const double slope =
          (8 * (at_distance(h) - at_distance(-h)) - (at_distance(2 * h) - at_distance(-2 * h))) / (12 * h);
      value.copy_(start);
      EXPECT_NEAR(slope / norm, 1.0, 2e-3) << slot.name << ", norm " << norm;
    }
}

}  // namespace
}  // namespace caravan::trainer
