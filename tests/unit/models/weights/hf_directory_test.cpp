// Opening checkpoint directories: what the reference cases do not cover.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>

#include "models/generation/generation_config.h"
#include "models/weights/hf_directory.h"
#include "models/weights/safetensors_writer.h"
#include "tests/unit/models/weights/error_of.h"
#include "tests/unit/models/weights/scratch_folder.h"

namespace caravan::models {
namespace {

constexpr const char* kConfig =
    R"({"model_type": "llama", "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24,
  "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5})";

class HfDirectoryTest : public testing::Test {
 protected:
  tests::ScratchFolder folder_;

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
  }
  Error open_error() const {
    return tests::error_of([&] { HfDirectory(folder_.path().string()); });
  }
  void SetUp() override { write("config.json", kConfig); }
};

TEST_F(HfDirectoryTest, SingleFileAndIndexTogetherAreAmbiguous) {
  write_safetensors(folder_ / "model.safetensors", {{"a", at::zeros(1)}});
  write("model.safetensors.index.json", R"({"weight_map": {"a": "model.safetensors"}})");
  EXPECT_NAMES(open_error(), "has both");
}

TEST_F(HfDirectoryTest, IndexMustMatchItsShardsBothWays) {
  write_safetensors(folder_ / "a.safetensors", {{"a", at::zeros(1)}, {"twice", at::zeros(1)}});
  write_safetensors(folder_ / "b.safetensors",
                    {{"b", at::zeros(1)}, {"twice", at::zeros(1)}, {"unlisted", at::zeros(1)}});
  write(
      "model.safetensors.index.json",
      R"({"weight_map": {"a": "a.safetensors", "b": "b.safetensors", "twice": "a.safetensors", "c": "b.safetensors"}})");
  const Error error = open_error();
  EXPECT_NAMES(error, "twice is in a.safetensors and again in b.safetensors");
  EXPECT_NAMES(error, "unlisted is in b.safetensors and not in the weight_map");
  EXPECT_NAMES(error, "c should be in b.safetensors, it is in no shard");
}

TEST_F(HfDirectoryTest, IndexNamesStayInside) {
  for (const std::string name : {"sub/a.safetensors", "..", "", "a\\\\b.safetensors", "c:a.safetensors",
                                 "a.safetensors\\u0000", "model.bin"}) {
    write("model.safetensors.index.json", R"({"weight_map": {"a": ")" + name + "\"}}");
    EXPECT_EQ(open_error().exit_code(), 77) << name << ": " << open_error().what();
  }
}

TEST_F(HfDirectoryTest, IndexFormIsChecked) {
  for (const std::string text :
       {R"({"weight_map": []})", R"({"weight_map": {}})", R"({"weight_map": {"a": 1}})", "[]", "",
        R"({"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}})"}) {
    write("model.safetensors.index.json", text);
    EXPECT_EQ(open_error().exit_code(), 65) << text;
    EXPECT_NAMES(open_error(), "model.safetensors.index.json");
  }
  write("model.safetensors.index.json", "{\"a\":" + std::string(100'000, '['));
  EXPECT_NAMES(open_error(), "nested deeper than 64");
}

TEST_F(HfDirectoryTest, SaysWhatIsThereInstead) {
  EXPECT_NAMES(tests::error_of([&] { HfDirectory(folder_ / "absent"); }), "absent: is not there");
  EXPECT_NAMES(tests::error_of([&] { HfDirectory(folder_ / "config.json"); }), "is no folder");
  write_safetensors(folder_ / "consolidated.safetensors", {{"a", at::zeros(1)}});
  EXPECT_NAMES(open_error(), "consolidated.safetensors");
  write("pytorch_model-00001-of-00002.bin", "");
  EXPECT_EQ(open_error().exit_code(), 77);
}

// Hubs keep a snapshot as links into a store: a link is the user's own file system, not the checkpoint's
// choice.
TEST_F(HfDirectoryTest, LinksAreFollowed) {
  const tests::ScratchFolder store;
  write_safetensors(store / "blob", {{"a", at::arange(3)}});
  std::filesystem::create_symlink(store / "blob", folder_ / "model.safetensors");
  EXPECT_EQ(HfDirectory(folder_.path().string()).tensor("a").sum().item<std::int64_t>(), 3);
  std::filesystem::remove(store / "blob");
  EXPECT_NAMES(open_error(), "model.safetensors: no such file");
}

TEST_F(HfDirectoryTest, CheckListsEverything) {
  write_safetensors(folder_ / "model.safetensors",
                    {{"a", at::zeros({2, 3})},
                     {"b", at::full({2}, std::numeric_limits<float>::quiet_NaN())},
                     {"int", at::zeros(2, at::kChar)},
                     {"unasked", at::zeros(1)},
                     {"layers.0.x", at::zeros(1)},
                     {"model.layers.0.self_attn.rotary_emb.inv_freq", at::zeros(1)}});
  const HfDirectory directory(folder_.path().string());
  const std::vector<TensorShape> expected{
      {"a", {3, 2}}, {"b", {2}}, {"int", {2}}, {"gone", {1}}, {"model.layers.0.x", {1}}};
  const Error error = tests::error_of([&] { directory.check(expected); });
  EXPECT_NAMES(error, "missing tensors (2): gone, model.layers.0.x");
  EXPECT_NAMES(error, "lack their first part \"model.\"");
  EXPECT_NAMES(error, "a is [2, 3]");
  EXPECT_NAMES(error, "int is I8");
  EXPECT_NAMES(error, "unasked");
  EXPECT_NAMES(error, "b at element 0");
  EXPECT_FALSE(tests::names(error, "inv_freq"));
  const Error quick = tests::error_of([&] { directory.check(expected, {.refuse_non_finite = false}); });
  EXPECT_FALSE(tests::names(quick, "b at element 0"));
}

TEST_F(HfDirectoryTest, CopiesShareTheMaps) {
  write_safetensors(folder_ / "model.safetensors", {{"a", at::arange(3)}});
  auto first = std::make_unique<HfDirectory>(folder_.path().string());
  const HfDirectory copy = *first;
  first.reset();
  EXPECT_EQ(copy.entries().at("a").tensor->name, "a");
  EXPECT_EQ(copy.tensor("a").sum().item<std::int64_t>(), 3);
}

TEST_F(HfDirectoryTest, GenerationConfig) {
  write("generation_config.json",
        R"({"bos_token_id": 128000, "do_sample": true, "eos_token_id": [128001, 128009],
    "temperature": 0.6, "top_p": 0.9, "top_k": 50, "max_length": 4096, "pad_token_id": null})");
  const GenerationConfig config = read_generation_config(folder_.path().string());
  EXPECT_EQ(config.eos_token_id, (std::vector<std::int64_t>{128001, 128009}));
  EXPECT_EQ(config.do_sample, true);
  EXPECT_EQ(config.temperature, 0.6);
  EXPECT_EQ(config.top_p, 0.9);
  EXPECT_EQ(config.top_k, 50);
  EXPECT_FALSE(config.pad_token_id.has_value());
  write("generation_config.json", R"({"temperature": -1, "top_p": 1.5, "eos_token_id": "2"})");
  const Error error = tests::error_of([&] { read_generation_config(folder_.path().string()); });
  EXPECT_NAMES(error, "3 problems");
  EXPECT_NAMES(error, "top_p is 1.5; allowed: a number from 0.0 to 1.0");
}

}  // namespace
}  // namespace caravan::models
