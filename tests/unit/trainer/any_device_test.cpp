// Training by the operations that any device has, against the kernels of the CPU: gradients, repetition,
// checkpoints that change their device. Here by composed operations; in gpu_tests on CUDA.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/ops/composed_scope.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_device.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/batch_tensors.h"
#include "trainer/checkpoint/checkpoint_writer.h"
#include "trainer/device_work.h"
#include "trainer/objectives/sft.h"
#include "trainer/trainer.h"

namespace caravan::trainer {
namespace {

const std::vector<std::size_t> kLengths{23, 1, 64, 9, 65, 130, 2, 40};

// Heads of a width that GPUs have a fused attention for.
models::LlamaConfig config_of(models::ModelType type) {
  models::LlamaConfig config = tiny_config(2);
  config.model_type = type;
  config.head_dim = 16;
  return config;
}

// Loss and gradients of two micro-batches; gradients on the CPU.
std::pair<double, std::map<std::string, at::Tensor>> loss_and_gradients(models::Llama& model) {
  const SftObjective objective(LossOptions{});
  UnitShards units(model);
  SegmentedPass pass(units, 0);
  double loss = 0.0;
  const double scale = 0.01;
  for (const auto& batch : packed(kLengths, {{0, 1, 2, 3}, {4, 5, 6, 7}})) {
    at::Tensor hidden_TD = pass.forward(model_input(batch, model.device()));
    const ObjectiveResult result = objective.loss(hidden_TD, head_of(model), batch, &scale);
    pass.backward(result.d_hidden_TD);
    loss += result.terms.loss.sum.item<double>();
  }
  auto gradients = gradients_of(model);
  for (auto& [name, gradient] : gradients) gradient = gradient.cpu();
  return {loss, gradients};
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>() /
         b.to(at::kDouble).norm().item<double>();
}

class AnyDevice : public testing::TestWithParam<models::ModelType> {
 protected:
  void SetUp() override { SKIP_WITHOUT_TEST_DEVICE(); }

  void expect_gradients(at::ScalarType dtype, at::ScalarType gradient_type, double tolerance) {
    models::Llama reference = tiny_model(config_of(GetParam())),
                  model = tiny_model(config_of(GetParam()), dtype, tests::test_device());
    for (std::size_t unit = 0; unit < model.units().size(); ++unit)  // the same weights, rounded
      reference.units()[unit].values().copy_(model.units()[unit].values());
    model.allocate_gradients(gradient_type);
    const auto [wanted_loss, wanted] = loss_and_gradients(reference);
    const models::ComposedScope composed;
    const auto [loss, gradients] = loss_and_gradients(model);
    EXPECT_NEAR(loss, wanted_loss, tolerance * wanted_loss);
    for (const auto& [name, gradient] : wanted) {
      // Softmax does not see a shift of all keys: what their bias gets is left of terms that nearly cancel,
      // and has lost two or three bits with them.
      const bool cancels = name.ends_with("k_proj.bias");
      EXPECT_LE(relative_difference(gradients.at(name), gradient), (cancels ? 4.0 : 1.0) * tolerance) << name;
    }
  }
};

TEST_P(AnyDevice, GradientsOfFp32AreThoseOfTheCpu) {
  expect_gradients(at::kFloat, at::kFloat, 2e-6);
}

// bf16 has 8 bits; two layers round some ten times.
TEST_P(AnyDevice, GradientsOfBf16AreNearThoseOfFp32) {
  expect_gradients(at::kBFloat16, at::kFloat, 0x1p-5);
  expect_gradients(at::kBFloat16, at::kBFloat16, 0x1p-5);
}

INSTANTIATE_TEST_SUITE_P(Families, AnyDevice,
                         testing::Values(models::ModelType::kLlama, models::ModelType::kQwen2,
                                         models::ModelType::kQwen3, models::ModelType::kOlmo2),
                         [](const auto& test) {
                           return "type_" + std::to_string(static_cast<int>(test.param));
                         });

// A model in training; steps are made by composed operations.
struct Training {
  Training(at::ScalarType dtype, const at::Device& device)
      : model(tiny_model(config_of(models::ModelType::kLlama), dtype, device)),
        units(model),
        source({packed(kLengths, {{0, 1, 2, 3}, {4, 5, 6, 7}}), packed(kLengths, {{7, 0, 3, 2, 1}, {4, 5}}),
                packed(kLengths, {{5, 6}, {1, 2}, {3}})}),
        trainer(options(), units, objective, source) {}

  static TrainerOptions options() {
    TrainerOptions options;
    options.optimizer.learning_rate = 1e-2;
    options.optimizer.weight_decay = 0.1;
    options.neftune_noise_alpha = 5.0;
    return options;
  }
  std::vector<MetricValue> step() {
    const models::ComposedScope composed;
    return trainer.train_step();
  }

  models::Llama model;
  SftObjective objective{LossOptions{}};
  UnitShards units;
  FixedBatches source;
  Trainer trainer;
};

class AnyDeviceTraining : public testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override { SKIP_WITHOUT_TEST_DEVICE(); }
};

TEST_P(AnyDeviceTraining, RepeatsInEveryBit) {
  Training first(GetParam(), tests::test_device()), second(GetParam(), tests::test_device());
  for (int step = 0; step < 3; ++step) {
    const auto a = first.step(), b = second.step();
    EXPECT_EQ(value_of(a, "train/loss"), value_of(b, "train/loss"));
    EXPECT_EQ(value_of(a, "train/grad_norm"), value_of(b, "train/grad_norm"));
  }
  const auto left = by_name(first.trainer.optimizer().state());
  for (const auto& [name, tensor] : by_name(second.trainer.optimizer().state()))
    EXPECT_TRUE(at::equal(left.at(name), tensor)) << name;
}

// Saved where it is, read back on the CPU: every bit of parameters and optimizer, and training goes on.
TEST_P(AnyDeviceTraining, ACheckpointGoesOnOnTheCpu) {
  Training here(GetParam(), tests::test_device()), there(GetParam(), at::kCPU);
  here.step();
  here.step();
  const tests::TempDir folder;
  CheckpointContent content;
  content.step = 2;
  content.state = here.trainer.optimizer().state();
  const auto alone = make_single_group();
  CheckpointWriter writer(folder.path(), 0, *alone);
  writer.begin(content);
  writer.finish();
  const auto found =
      newest_checkpoint(folder.path(), *alone, [](const std::string& note) { ADD_FAILURE() << note; });
  ASSERT_TRUE(found);
  restore(*found, there.trainer.optimizer().state());
  there.trainer.set_steps_done(2);
  const auto state = by_name(there.trainer.optimizer().state());
  for (const auto& [name, tensor] : by_name(content.state))
    EXPECT_TRUE(at::equal(state.at(name).view(at::kByte), tensor.cpu().view(at::kByte))) << name;
  const double loss = value_of(here.step(), "train/loss"),
               wanted = value_of(there.trainer.train_step(), "train/loss");
  EXPECT_NEAR(loss, wanted, (GetParam() == at::kFloat ? 1e-5 : 0x1p-7) * wanted);
}

INSTANTIATE_TEST_SUITE_P(Types, AnyDeviceTraining, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& test) { return test.param == at::kFloat ? "fp32" : "bf16"; });

}  // namespace
}  // namespace caravan::trainer
