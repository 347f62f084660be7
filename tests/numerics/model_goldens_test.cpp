// The model against reference values of transformers: logits, hidden states, gradients, shifted positions,
// packed documents.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "losses/linear_cross_entropy.h"
#include "models/llama/llama.h"
#include "models/llama/parameter_shapes.h"
#include "models/ops/composed_scope.h"
#include "models/weights/safetensors.h"
#include "tests/support/close.h"
#include "tests/support/shared_data.h"
#include "tests/support/test_device.h"

namespace caravan::models {
namespace {

using nlohmann::json;
using tests::close;

class ModelGoldens : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_TEST_DEVICE();
    SKIP_WITHOUT_SHARED_DATA();
    folder_ = tests::shared_data() / "goldens/models" / GetParam();
    const HfDirectory directory(folder_.string());
    directory.check(llama_parameter_shapes(directory.config()));
    model_ = std::make_unique<Llama>(directory.config(), at::kFloat, tests::test_device());
    model_->load(directory);
    model_->allocate_gradients(at::kFloat);
    reference_ = std::make_unique<SafetensorsFile>((folder_ / "reference.safetensors").string());
    std::ifstream(folder_ / "reference.json") >> facts_;
    tolerance_ = facts_.at("tolerance");
  }

  void expect_hidden_states_and_logits();
  void expect_shifted_positions();
  void expect_gradients_of_every_parameter();
  void expect_packed_documents_do_not_see_each_other();

  at::Tensor wanted(const std::string& name) const { return reference_->tensor(name); }
  at::Tensor ids_of(const std::string& name) const { return wanted(name).to(tests::test_device()); }

  // Hidden states of documents given as [B, S] or [T] ids and a layout: embedding, each block, final norm.
  std::vector<at::Tensor> run(const at::Tensor& ids, const PackedLayout& layout,
                              std::vector<std::pair<at::Tensor, at::Tensor>>* kept) {
    const auto context = model_->context(layout);
    std::vector<at::Tensor> states{model_->embed(ids.flatten())};
    const auto unit = [&](const auto& f) {
      const at::Tensor leaf = states.back().detach().requires_grad_(kept != nullptr);
      states.push_back(f(leaf));
      if (kept) kept->emplace_back(leaf, states.back());
    };
    for (std::int64_t layer = 0; layer < model_->config().num_hidden_layers; ++layer)
      unit([&](const at::Tensor& x) { return model_->block(layer, x, context); });
    unit([&](const at::Tensor& x) { return model_->final_norm(x); });
    return states;
  }

  static PackedLayout rows_layout(std::int64_t batch, std::int64_t length, const at::Tensor& positions = {}) {
    PackedLayout layout;
    for (std::int64_t b = 0; b < batch; ++b) {
      layout.doc_starts.push_back(static_cast<std::int32_t>(b * length));
      for (std::int64_t s = 0; s < length; ++s)
        layout.positions.push_back(positions.defined()
                                       ? static_cast<std::int32_t>(positions[b][s].item<std::int64_t>())
                                       : static_cast<std::int32_t>(s));
    }
    layout.doc_starts.push_back(static_cast<std::int32_t>(batch * length));
    return layout;
  }

  at::Tensor logits_of(const at::Tensor& hidden) const { return model_->logits(hidden.detach()); }

  // Backward of the summed cross entropy over the kept units; targets are labels shifted by one within rows
  // of `length`.
  double backward(const at::Tensor& ids, const at::Tensor& targets,
                  std::vector<std::pair<at::Tensor, at::Tensor>>& kept) {
    const losses::OutputHead head{
        model_->config().vocab_size, [&](const at::Tensor& h) { return model_->logits(h); },
        [&](const at::Tensor& d, const at::Tensor& h) { return model_->logits_backward(d, h); }};
    const auto result = losses::linear_cross_entropy(kept.back().second.detach(), head, targets,
                                                     targets.ge(0).to(at::kFloat), {});
    at::Tensor gradient = result.d_hidden_TD;
    for (auto unit = kept.rbegin(); unit != kept.rend(); ++unit) {
      torch::autograd::backward({unit->second}, {gradient});
      gradient = unit->first.grad();
    }
    model_->embed_backward(ids.flatten(), gradient);
    return result.row_loss_T.sum().item<double>();
  }

  std::filesystem::path folder_;
  std::unique_ptr<Llama> model_;
  std::unique_ptr<SafetensorsFile> reference_;
  json facts_, tolerance_;
};

at::Tensor shifted(const at::Tensor& labels) {  // [B, S] labels aligned with ids -> [B S] next-token targets,
                                                // -100 at row ends
  return at::cat(
             {labels.narrow(1, 1, labels.size(1) - 1), at::full({labels.size(0), 1}, -100, labels.options())},
             1)
      .flatten();
}

void ModelGoldens::expect_hidden_states_and_logits() {
  const at::Tensor ids = ids_of("input_ids");
  const std::int64_t batch = ids.size(0), length = ids.size(1);
  const auto states = run(ids, rows_layout(batch, length), nullptr);
  const double hidden = tolerance_.at("hidden_abs");
  EXPECT_TRUE(close(states.front().narrow(0, 0, length), wanted("hidden.embed"), hidden));
  for (std::int64_t layer = 0; layer < model_->config().num_hidden_layers; ++layer)
    EXPECT_TRUE(close(states[static_cast<std::size_t>(layer) + 1].narrow(0, 0, length),
                      wanted("hidden.layer." + std::to_string(layer)), hidden))
        << "layer " << layer;
  EXPECT_TRUE(close(states.back().narrow(0, 0, length), wanted("hidden.final_norm"), hidden));
  EXPECT_TRUE(close(logits_of(states.back()).view({batch, length, -1}), wanted("logits"),
                    tolerance_.at("logits_abs")));
}

void ModelGoldens::expect_shifted_positions() {
  const at::Tensor ids = ids_of("input_ids");
  const auto states = run(ids, rows_layout(ids.size(0), ids.size(1), wanted("pos.position_ids")), nullptr);
  EXPECT_TRUE(close(logits_of(states.back()).view(wanted("pos.logits").sizes()), wanted("pos.logits"),
                    tolerance_.at("pos_logits_abs")));
}

void ModelGoldens::expect_gradients_of_every_parameter() {
  const at::Tensor ids = ids_of("input_ids"), labels = ids_of("labels");
  std::vector<std::pair<at::Tensor, at::Tensor>> kept;
  run(ids, rows_layout(ids.size(0), ids.size(1)), &kept);
  const double loss = backward(ids, shifted(labels), kept);
  EXPECT_NEAR(loss, facts_["loss"]["ce_sum"].get<double>(), tolerance_.at("ce_sum_rel").get<double>() * loss);
  const double relative = tolerance_.at("grad_rel_to_tensor_max");
  for (const FlatUnit& unit : model_->units())
    for (const Slot& slot : unit.slots()) {
      const at::Tensor reference = wanted("grad." + slot.name);
      EXPECT_TRUE(close(unit.gradient(slot), reference, relative * reference.abs().max().item<double>()))
          << slot.name;
    }
}

void ModelGoldens::expect_packed_documents_do_not_see_each_other() {
  const at::Tensor ids = ids_of("packed.input_ids"), starts = wanted("packed.cu_seqlens"),
                   positions = wanted("packed.position_ids");
  PackedLayout layout;
  for (std::int64_t i = 0; i < starts.numel(); ++i)
    layout.doc_starts.push_back(static_cast<std::int32_t>(starts[i].item<std::int64_t>()));
  for (std::int64_t i = 0; i < positions.numel(); ++i)
    layout.positions.push_back(static_cast<std::int32_t>(positions[i].item<std::int64_t>()));
  const auto states = run(ids, layout, nullptr);
  EXPECT_TRUE(close(logits_of(states.back()), wanted("packed.logits"), tolerance_.at("packed_logits_abs")));
}

TEST_P(ModelGoldens, HiddenStatesAndLogits) {
  expect_hidden_states_and_logits();
}

TEST_P(ModelGoldens, ShiftedPositions) {
  expect_shifted_positions();
}

TEST_P(ModelGoldens, GradientsOfEveryParameter) {
  expect_gradients_of_every_parameter();
}

TEST_P(ModelGoldens, PackedDocumentsDoNotSeeEachOther) {
  expect_packed_documents_do_not_see_each_other();
}

// As on devices without kernels of ours.
TEST_P(ModelGoldens, HiddenStatesAndLogitsOfComposedOps) {
  const ComposedScope composed;
  expect_hidden_states_and_logits();
}

TEST_P(ModelGoldens, ShiftedPositionsOfComposedOps) {
  const ComposedScope composed;
  expect_shifted_positions();
}

TEST_P(ModelGoldens, GradientsOfEveryParameterOfComposedOps) {
  const ComposedScope composed;
  expect_gradients_of_every_parameter();
}

TEST_P(ModelGoldens, PackedDocumentsDoNotSeeEachOtherOfComposedOps) {
  const ComposedScope composed;
  expect_packed_documents_do_not_see_each_other();
}

INSTANTIATE_TEST_SUITE_P(All, ModelGoldens,
                         testing::Values("llama", "llama-tied", "llama31-rope", "llama-linear-rope",
                                         "llama-yarn", "mistral-sw", "mistral-full", "qwen2", "qwen3",
                                         "olmo2", "llama-sharded", "llama-bf16"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace caravan::models
