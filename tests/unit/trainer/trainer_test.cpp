// The loop: what a step reports, when it ends, and that a number that is not finite stops it before anything
// is changed.
#include "trainer/trainer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/trainer/tiny_training.h"
#include "trainer/error.h"
#include "trainer/objectives/sft.h"

namespace caravan::trainer {
namespace {

const std::vector<std::size_t> kLengths{23, 9, 40, 17, 5, 31};

TrainerOptions options_with(double rate) {
  TrainerOptions options;
  options.optimizer.learning_rate = rate;
  options.optimizer.weight_decay = 0.1;
  options.schedule.name = ScheduleName::kConstant;
  return options;
}

std::vector<std::vector<data::MicroBatch>> steps_of(
    const std::vector<std::vector<std::vector<std::uint32_t>>>& groups) {
  std::vector<std::vector<data::MicroBatch>> steps;
  for (const auto& step : groups) steps.push_back(packed(kLengths, step));
  return steps;
}

std::map<std::string, at::Tensor> copied(std::map<std::string, at::Tensor> state) {
  for (auto& [name, tensor] : state) tensor = tensor.clone();
  return state;
}

// Bits, not values: NaN equals itself.
void expect_same_state(const std::map<std::string, at::Tensor>& found,
                       const std::map<std::string, at::Tensor>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (const auto& [name, tensor] : wanted) {
    const at::ScalarType bits = tensor.element_size() == 4 ? at::kInt : at::kShort;
    EXPECT_TRUE(at::equal(found.at(name).view(bits), tensor.view(bits))) << name;
  }
}

TEST(Trainer, ReportsWhatTheStepWas) {
  models::Llama model = tiny_model(tiny_config());
  FixedBatches source(steps_of({{{0, 1}, {2}}, {{3, 4, 5}}}));
  const SftObjective objective{LossOptions{}};
  Trainer trainer(options_with(1e-3), model, objective, source, tests::alone());
  const auto first = trainer.train_step(), second = trainer.train_step();
  EXPECT_EQ(value_of(first, "train/tokens"), 72.0);
  EXPECT_EQ(value_of(second, "train/tokens"), 125.0);  // of the run so far
  EXPECT_EQ(value_of(first, "train/documents"), 3.0);
  EXPECT_EQ(value_of(first, "train/learning_rate"), 1e-3);
  EXPECT_EQ(value_of(first, "train/epoch"), 0.5);
  EXPECT_EQ(value_of(second, "train/epoch"), 1.0);
  double trained = 0.0;
  for (const auto& batch : source.micro_batches(0)) trained += objective.count(batch);
  EXPECT_EQ(value_of(first, "train/loss_count"), trained);
  EXPECT_GT(value_of(first, "train/grad_norm"), 0.0);
  EXPECT_GT(value_of(first, "speed/tokens_per_second"), 0.0);
  EXPECT_EQ(trainer.steps_done(), 2);
  EXPECT_EQ(trainer.tokens_done(), 125);
}

// The same documents, dealt into micro-batches in any way, move the weights alike over several steps.
TEST(Trainer, StepsDoNotDependOnMicroBatches) {
  const auto train = [](const std::vector<std::vector<std::uint32_t>>& groups) {
    models::Llama model = tiny_model(tiny_config());
    FixedBatches source(std::vector<std::vector<data::MicroBatch>>(5, packed(kLengths, groups)));
    const SftObjective objective{LossOptions{}};
    TrainerOptions options = options_with(1e-3);
    options.optimizer.eps = 1e-3;  // keeps the division by near-zero second moments from enlarging rounding
    Trainer trainer(options, model, objective, source, tests::alone());
    double loss = 0.0;
    for (int step = 0; step < 5; ++step) loss = value_of(trainer.train_step(), "train/loss");
    return std::pair(loss, model.units()[2].values().clone());
  };
  const auto [whole_loss, whole] = train({{0, 1, 2, 3, 4, 5}});
  const auto [split_loss, split] = train({{5}, {0, 4}, {1, 2, 3}});
  EXPECT_NEAR(split_loss, whole_loss, 2e-6 * whole_loss);
  EXPECT_LE((split - whole).norm().item<double>(), 1e-6 * whole.norm().item<double>());
}

TEST(Trainer, LearnsABatchByHeart) {
  models::Llama model = tiny_model(tiny_config(2));
  FixedBatches source(std::vector<std::vector<data::MicroBatch>>(60, packed(kLengths, {{0, 1, 4}})));
  const SftObjective objective{LossOptions{}};
  Trainer trainer(options_with(1e-2), model, objective, source, tests::alone());
  const double first = value_of(trainer.train_step(), "train/loss");
  double last = first;
  while (trainer.steps_done() < 60) last = value_of(trainer.train_step(), "train/loss");
  EXPECT_LT(last, 0.1 * first);
}

TEST(Trainer, RunsToTheEndOrToAWish) {
  models::Llama model = tiny_model(tiny_config(1));
  FixedBatches source(std::vector<std::vector<data::MicroBatch>>(4, packed(kLengths, {{4}})));
  const SftObjective objective{LossOptions{}};
  Trainer trainer(options_with(1e-3), model, objective, source, tests::alone());
  std::vector<std::int64_t> seen;
  TrainerEvents events{[&](std::int64_t step, const std::vector<MetricValue>&) { seen.push_back(step); },
                       [](std::int64_t step) { return step == 2; }};
  EXPECT_FALSE(trainer.run(events));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2}));
  events.should_stop = [](std::int64_t) { return false; };
  EXPECT_TRUE(trainer.run(events));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_TRUE(trainer.run(events));
  EXPECT_EQ(seen.size(), 4u);
}

TEST(Trainer, ContinuesBitForBitFromItsState) {
  const auto batches = steps_of({{{0, 1}}, {{2}}, {{3, 4}}, {{5}}, {{1, 2}}, {{0}}});
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const SftObjective objective{LossOptions{}};
    TrainerOptions options = options_with(1e-3);
    options.neftune_noise_alpha = 5.0;
    options.schedule.name = ScheduleName::kCosine;
    models::Llama whole_model = tiny_model(tiny_config(), dtype),
                  first_model = tiny_model(tiny_config(), dtype);
    models::LlamaConfig config = tiny_config();
    models::Llama resumed_model(config, dtype, at::kCPU);  // zeros: all must come from the state
    resumed_model.allocate_gradients(at::kFloat);
    FixedBatches source(batches);
    Trainer whole(options, whole_model, objective, source), first(options, first_model, objective, source),
        resumed(options, resumed_model, objective, source);
    for (int step = 0; step < 6; ++step) whole.train_step();
    for (int step = 0; step < 3; ++step) first.train_step();
    for (auto& [name, tensor] : resumed.optimizer().state())
      at::Tensor(tensor).copy_(first.optimizer().state().at(name));
    resumed.set_steps_done(3);
    resumed.set_tokens_done(first.tokens_done());
    for (int step = 3; step < 6; ++step) resumed.train_step();
    expect_same_state(resumed.optimizer().state(), whole.optimizer().state());
    EXPECT_EQ(resumed.tokens_done(), whole.tokens_done());
  }
}

struct Failure {
  std::string message;
  int exit_code = 0;
};
Failure failure_of(Trainer& trainer) {
  try {
    trainer.train_step();
  } catch (const Error& error) {
    return {error.what(), error.exit_code()};
  }
  return {};
}

class NotFinite : public testing::TestWithParam<at::ScalarType> {
 protected:
  NotFinite() : model_(tiny_model(tiny_config(), GetParam())) {}

  // Two good steps, then `spoil`, then a step that must fail and change nothing.
  Failure fail(const std::function<void(models::Llama&)>& spoil,
               const std::vector<std::vector<std::uint32_t>>& third_step) {
    FixedBatches source(steps_of({{{0, 1}}, {{2}}, third_step}));
    const SftObjective objective{LossOptions{}};
    Trainer trainer(options_with(1e-3), model_, objective, source, tests::alone());
    trainer.train_step();
    trainer.train_step();
    spoil(model_);
    const auto before = copied(trainer.optimizer().state());
    const Failure failure = failure_of(trainer);
    expect_same_state(trainer.optimizer().state(), before);
    EXPECT_EQ(trainer.steps_done(), 2);
    EXPECT_EQ(failure.exit_code, 70);
    return failure;
  }

  models::Llama model_;
};

void expect_parts(const Failure& failure, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    EXPECT_NE(failure.message.find(part), std::string::npos) << part << " is not in: " << failure.message;
}

TEST_P(NotFinite, AWeightOfABlockIsNamedWithStepAndDocuments) {
  const Failure failure = fail(
      [](models::Llama& model) {
        model.units()[3].parameter("model.layers.2.mlp.down_proj.weight").value[5][3] =
            std::numeric_limits<float>::quiet_NaN();
      },
      {{3}, {4, 5}});
  expect_parts(failure, {"step 3", "loss nan", "output of model.layers.2,", "in rows.jsonl:4",
                         "not finite themselves: model.layers.2.mlp.down_proj.weight;", "was not made"});
}

TEST_P(NotFinite, OnlyTheDocumentThatHoldsTheTokenIsNamed) {
  // A token that document 5 has and no other of the step.
  const Document five = made_document(5, kLengths[5]), three = made_document(3, kLengths[3]),
                 four = made_document(4, kLengths[4]);
  std::int32_t own = -1;
  for (const std::int32_t id : five.ids) {
    const auto in = [&](const Document& other) {
      return std::find(other.ids.begin(), other.ids.end(), id) != other.ids.end();
    };
    if (!in(three) && !in(four)) own = id;
  }
  ASSERT_GE(own, 0);
  const Failure failure = fail(
      [&](models::Llama& model) {
        model.units()[0].parameter("model.embed_tokens.weight").value[own][0] =
            std::numeric_limits<float>::infinity();
      },
      {{3}, {4, 5}});
  expect_parts(failure, {"step 3", "model.embed_tokens", "rows.jsonl:6"});
  EXPECT_EQ(failure.message.find("rows.jsonl:4"), std::string::npos) << failure.message;
  EXPECT_EQ(failure.message.find("rows.jsonl:5"), std::string::npos) << failure.message;
}

TEST_P(NotFinite, TheHeadIsNamedWhereHiddenStatesAreFinite) {
  const Failure failure = fail(
      [](models::Llama& model) {
        model.units().back().parameter("lm_head.weight").value[1][0] =
            std::numeric_limits<float>::quiet_NaN();
      },
      {{0}});
  expect_parts(failure, {"step 3", "hidden states are finite", "gradients of lm_head.weight",
                         "not finite themselves: lm_head.weight;"});
}

INSTANTIATE_TEST_SUITE_P(Types, NotFinite, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& test) { return test.param == at::kFloat ? "fp32" : "bf16"; });

// Dividing by no tokens would be a NaN loss; the message must say what is the matter instead.
TEST(Trainer, AStepWithoutTrainedTokensIsRefusedByName) {
  models::Llama model = tiny_model(tiny_config(1));
  auto batches = packed(kLengths, {{1}});
  std::fill(batches[0].weights.begin(), batches[0].weights.end(), 0.f);
  FixedBatches source({batches});
  const SftObjective objective{LossOptions{}};
  Trainer trainer(options_with(1e-3), model, objective, source, tests::alone());
  const auto before = copied(trainer.optimizer().state());
  const Failure failure = failure_of(trainer);
  EXPECT_EQ(failure.exit_code, 65);
  expect_parts(failure, {"step 1", "no trained token", "rows.jsonl:2"});
  expect_same_state(trainer.optimizer().state(), before);
}

TEST(ModelFlops, CountMatricesHeadAndCausalAttention) {
  models::LlamaConfig config = tiny_config(1);
  data::MicroBatch batch = packed({10}, {{0}})[0];
  std::fill(batch.weights.begin(), batch.weights.end(), 0.f);
  batch.weights[0] = batch.weights[1] = 1.f;
  // By hand: q 48x48, k and v 48x24, o 48x48, gate, up, down 48x80; head 48x97 on two rows; scores and values
  // of 55 pairs, 48 wide.
  const double matrices = 2304 + 2 * 1152 + 2304 + 3 * 3840;
  const double forward = 2 * matrices * 10 + 2 * 48 * 97 * 2 + 2 * 2 * 48 * 55;
  EXPECT_DOUBLE_EQ(model_flops(config, {batch}), 3 * forward);
}

}  // namespace
}  // namespace caravan::trainer
