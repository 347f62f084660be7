// Twenty optimizer steps of twelve models through the real Trainer against reference runs of PyTorch: loss,
// gradient norm, rate, weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/llama/parameter_shapes.h"
#include "models/ops/composed_scope.h"
#include "models/weights/safetensors.h"
#include "tests/support/shared_data.h"
#include "tests/support/test_device.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/objectives/sft.h"
#include "trainer/trainer.h"

namespace caravan::trainer {
namespace {

using nlohmann::json;

// One row as a document: labels other than -100 are trained, trailing pads (id 0 without a label) are cut
// off.
Document document_of(const std::int64_t* ids, const std::int64_t* labels, std::int64_t length) {
  while (length > 0 && ids[length - 1] == 0 && labels[length - 1] == -100) --length;
  Document document;
  for (std::int64_t t = 0; t < length; ++t) {
    document.ids.push_back(static_cast<std::int32_t>(ids[t]));
    document.trained.push_back(labels[t] != -100);
  }
  return document;
}

// train.input_ids and train.labels, [step, micro-batch, row, token], as batches.
std::vector<std::vector<data::MicroBatch>> read_steps(const models::SafetensorsFile& file) {
  const at::Tensor ids = file.tensor("train.input_ids").contiguous(),
                   labels = file.tensor("train.labels").contiguous();
  const std::int64_t length = ids.size(3);
  std::vector<std::vector<data::MicroBatch>> steps(static_cast<std::size_t>(ids.size(0)));
  std::int64_t at = 0;
  for (auto& batches : steps)
    for (std::int64_t m = 0; m < ids.size(1); ++m) {
      data::MicroBatch& batch = batches.emplace_back();
      for (std::int64_t row = 0; row < ids.size(2); ++row, at += length)
        append(batch,
               document_of(ids.const_data_ptr<std::int64_t>() + at,
                           labels.const_data_ptr<std::int64_t>() + at, length),
               static_cast<std::uint32_t>(row));
    }
  return steps;
}

TrainerOptions reference_options() {
  TrainerOptions options;
  options.optimizer.learning_rate = 1e-3;
  options.optimizer.betas = {0.9, 0.95};
  options.optimizer.weight_decay = 0.1;
  options.optimizer.max_grad_norm = 1.0;
  options.schedule.name = ScheduleName::kCosineWithMinLr;
  options.schedule.warmup = {5.0, data::Unit::kSteps};
  options.schedule.min_lr_rate = 0.1;
  return options;
}

struct Run {
  std::string folder, kind;  // kind: train, train_zloss, train_sum
};

class TrainingGoldens : public testing::TestWithParam<Run> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_TEST_DEVICE();
    SKIP_WITHOUT_SHARED_DATA();
    const auto folder = tests::shared_data() / "goldens/models" / GetParam().folder;
    const models::HfDirectory directory(folder.string());
    model_ = std::make_unique<models::Llama>(directory.config(), at::kFloat, tests::test_device());
    model_->load(directory);
    model_->allocate_gradients(at::kFloat);
    steps_ = read_steps(models::SafetensorsFile((folder / "reference.safetensors").string()));
    json facts;
    std::ifstream(folder / "reference.json") >> facts;
    wanted_ = facts.at(GetParam().kind);
    tolerance_ = facts.at("tolerance");
    if (GetParam().kind == "train_sum") loss_.reduction = Reduction::kSum;
    if (GetParam().kind == "train_zloss") loss_.z_loss = facts.at("optimizer").at("z_loss_coefficient");
  }

  void expect_twenty_steps();

  void expect_step(std::size_t step, const std::vector<MetricValue>& found) {
    SCOPED_TRACE("step " + std::to_string(step));
    const auto wanted = [&](const char* name) { return wanted_.at("steps").at(name).at(step).get<double>(); };
    const double relative = tolerance_.at("train_loss_rel"),
                 norm_relative = tolerance_.at("train_grad_norm_rel");
    const double loss = value_of(found, "train/loss"), count = value_of(found, "train/loss_count");
    EXPECT_NEAR(value_of(found, "train/learning_rate"), wanted("lr"), 1e-12);
    EXPECT_NEAR(loss, wanted("loss"), relative * wanted("loss"));
    EXPECT_NEAR(value_of(found, "train/grad_norm"), wanted("grad_norm"), norm_relative * wanted("grad_norm"));
    double z = 0.0;
    if (loss_.z_loss > 0.0) {
      z = value_of(found, "train/z_loss");
      EXPECT_NEAR(z, wanted("z_loss"), relative * wanted("z_loss"));
    }
    const double ce_sum = loss_.reduction == Reduction::kSum ? loss : (loss - z) * count;
    EXPECT_NEAR(ce_sum, wanted("ce_sum"), relative * wanted("ce_sum"));
    const SftObjective objective(loss_);
    for (std::size_t m = 0; m < steps_[step].size(); ++m)
      EXPECT_EQ(objective.count(steps_[step][m]),
                wanted_.at("steps").at("tokens").at(step).at(m).get<double>());
  }

  std::unique_ptr<models::Llama> model_;
  std::vector<std::vector<data::MicroBatch>> steps_;
  LossOptions loss_;
  json wanted_, tolerance_;
};

void TrainingGoldens::expect_twenty_steps() {
  FixedBatches source(steps_);
  const SftObjective objective(loss_);
  UnitShards units(*model_);
  Trainer trainer(reference_options(), units, objective, source);
  for (std::size_t step = 0; step < steps_.size(); ++step) expect_step(step, trainer.train_step());

  const double relative = tolerance_.at("final_l2_rel"), absolute = tolerance_.at("final_sum_abs");
  std::size_t compared = 0;
  for (const models::FlatUnit& unit : model_->units())
    for (const models::Slot& slot : unit.slots()) {
      const json& wanted = wanted_.at("final_parameters").at(slot.name);
      const at::Tensor value = unit.value(slot).to(at::kDouble);
      const double l2 = wanted.at("l2");
      EXPECT_NEAR(value.norm().item<double>(), l2, relative * l2) << slot.name;
      EXPECT_NEAR(value.sum().item<double>(), wanted.at("sum").get<double>(), absolute) << slot.name;
      ++compared;
    }
  EXPECT_EQ(compared, wanted_.at("final_parameters").size());
}

TEST_P(TrainingGoldens, TwentySteps) {
  expect_twenty_steps();
}

// As on devices without kernels of ours.
TEST_P(TrainingGoldens, TwentyStepsOfComposedOps) {
  const models::ComposedScope composed;
  expect_twenty_steps();
}

std::vector<Run> runs() {
  std::vector<Run> all;
  for (const char* folder :
       {"llama", "llama-tied", "llama31-rope", "llama-linear-rope", "llama-yarn", "mistral-sw",
        "mistral-full", "qwen2", "qwen3", "olmo2", "llama-sharded", "llama-bf16"})
    all.push_back({folder, "train"});
  all.push_back({"llama", "train_zloss"});
  all.push_back({"llama", "train_sum"});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, TrainingGoldens, testing::ValuesIn(runs()), [](const auto& test) {
  std::string name = test.param.folder + "_" + test.param.kind;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace caravan::trainer
