// The good checkpoints of the reference data: configs in both spellings, rotary frequencies, weights, and the
// trained model.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/generation/generation_config.h"
#include "models/llama/parameter_shapes.h"
#include "models/weights/hf_directory.h"
#include "models/weights/safetensors_writer.h"
#include "tests/support/shared_data.h"

namespace caravan::models {
namespace {

const std::vector<std::string> kNames{"llama",      "llama-tied", "llama31-rope",  "llama-linear-rope",
                                      "llama-yarn", "mistral-sw", "mistral-full",  "qwen2",
                                      "qwen3",      "olmo2",      "llama-sharded", "llama-bf16"};

std::string golden(const std::string& name) {
  return (tests::shared_data() / "goldens/models" / name).string();
}

TEST(Goldens, BothConfigSpellingsAreOneModel) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const LlamaConfig new_style = read_llama_config(golden(name) + "/config.json");
    const LlamaConfig old_style = read_llama_config(golden(name) + "/config_v4.json");
    EXPECT_TRUE(new_style == old_style) << to_json(new_style).dump(1) << to_json(old_style).dump(1);
    EXPECT_TRUE(llama_config_from_json(to_json(new_style), name) == new_style) << to_json(new_style).dump(1);
    EXPECT_TRUE(llama_config_from_json(to_json(old_style), name) == new_style);
  }
}

TEST(Goldens, ConfigsSayWhatTheReadmeSays) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto config = [](const std::string& name) {
    return read_llama_config(golden(name) + "/config_v4.json");
  };
  EXPECT_EQ(config("llama").rope.theta, 500000.0);
  EXPECT_EQ(config("llama-tied").head_dim, 16);
  EXPECT_TRUE(config("llama-tied").o_bias());
  EXPECT_EQ(config("mistral-sw").window_of_layer(1), 16);
  EXPECT_EQ(config("mistral-full").window_of_layer(1), 0);
  EXPECT_EQ(config("qwen2").window_of_layer(1), 0);
  EXPECT_TRUE(config("qwen2").qkv_bias());
  EXPECT_FALSE(config("qwen2").o_bias());
  EXPECT_EQ(config("qwen3").qk_norm(), QkNorm::kPerHead);
  EXPECT_EQ(config("olmo2").qk_norm(), QkNorm::kFullWidth);
  EXPECT_EQ(config("olmo2").norm_placement(), NormPlacement::kPost);
  EXPECT_EQ(config("llama-bf16").dtype, Dtype::kBFloat16);
  EXPECT_EQ(config("llama-yarn").rope.original_max_position_embeddings, 32);
}

// One unit in the last place of fp32: pow of the C library against that of a vectorised one.
TEST(Goldens, RotaryFrequencies) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const RopeFrequencies ours = rope_inverse_frequencies(read_llama_config(golden(name) + "/config.json"));
    const at::Tensor theirs =
        SafetensorsFile(golden(name) + "/reference.safetensors").tensor("rope.inv_freq");
    const nlohmann::json reference = nlohmann::json::parse(std::ifstream(golden(name) + "/reference.json"));
    ASSERT_EQ(theirs.numel(), static_cast<std::int64_t>(ours.inv_freq.size()));
    for (std::size_t i = 0; i < ours.inv_freq.size(); ++i) {
      const float expected = theirs.const_data_ptr<float>()[i];
      EXPECT_NEAR(ours.inv_freq[i], expected, 1.2e-7F * expected) << "pair " << i;
    }
    EXPECT_DOUBLE_EQ(ours.attention_scaling, reference["rope"]["attention_scaling"].get<double>());
  }
}

TEST(Goldens, CheckpointsOpenAndFitTheirConfig) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const HfDirectory directory(golden(name));
    const std::vector<TensorShape> shapes = llama_parameter_shapes(directory.config());
    EXPECT_NO_THROW(directory.check(shapes));
    EXPECT_EQ(directory.entries().size(), shapes.size());
    EXPECT_EQ(directory.files().size(), name == "llama-sharded" ? 14U : 1U);
  }
}

// The reference holds a gradient for every parameter: names and shapes must be ours.
TEST(Goldens, ParameterNamesAreTheReferences) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const SafetensorsFile reference(golden(name) + "/reference.safetensors");
    std::size_t num_gradients = 0;
    for (const StoredTensor& tensor : reference.tensors())
      num_gradients += tensor.name.starts_with("grad.") ? 1 : 0;
    const std::vector<TensorShape> shapes =
        llama_parameter_shapes(read_llama_config(golden(name) + "/config.json"));
    EXPECT_EQ(num_gradients, shapes.size());
    for (const TensorShape& shape : shapes) {
      const StoredTensor* gradient = reference.find("grad." + shape.name);
      ASSERT_NE(gradient, nullptr) << shape.name;
      EXPECT_EQ(gradient->shape, shape.shape) << shape.name;
    }
  }
}

TEST(Goldens, ShardedIsTheSameWeights) {
  SKIP_WITHOUT_SHARED_DATA();
  const HfDirectory whole(golden("llama")), sharded(golden("llama-sharded"));
  for (const auto& [name, entry] : whole.entries())
    EXPECT_TRUE(at::equal(whole.tensor(name), sharded.tensor(name))) << name;
}

TEST(Goldens, TrainedModelOpens) {
  SKIP_WITHOUT_SHARED_DATA();
  const HfDirectory directory((tests::shared_data() / "checkpoints/stories260K/hf").string());
  directory.check(llama_parameter_shapes(directory.config()));
  EXPECT_EQ(directory.tensor("model.embed_tokens.weight").sizes(), at::IntArrayRef({512, 64}));
  EXPECT_TRUE(directory.config().tie_word_embeddings);
}

TEST(Goldens, GenerationConfig) {
  SKIP_WITHOUT_SHARED_DATA();
  const GenerationConfig config = read_generation_config(golden("llama"));
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.eos_token_id, std::vector<std::int64_t>{2});
  EXPECT_FALSE(config.do_sample.has_value());
  EXPECT_EQ(read_generation_config(golden("bad")), GenerationConfig{});
}

}  // namespace
}  // namespace caravan::models
