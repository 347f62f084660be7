// config.json: what published models say, precedence of the two spellings, and every refusal.
#include <gtest/gtest.h>

#include "models/llama/config.h"
#include "tests/unit/models/weights/error_of.h"

namespace caravan::models {
namespace {

using nlohmann::json;

json small_llama() {
  return json::parse(
      R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32, "hidden_size": 16,
    "intermediate_size": 24, "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 1,
    "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2})");
}

json with(json config, const json& changes) {
  for (const auto& [key, value] : changes.items()) config[key] = value;
  return config;
}

json without(json config, const std::string& key) {
  config.erase(key);
  return config;
}

LlamaConfig read(const json& config) {
  return llama_config_from_json(config, "config.json");
}

Error refusal(const json& config) {
  return tests::error_of([&] { read(config); });
}

TEST(LlamaConfig, Llama31) {
  const LlamaConfig config =
      read(json::parse(R"({"architectures": ["LlamaForCausalLM"], "attention_bias": false,
    "attention_dropout": 0.0, "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu",
    "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336, "max_position_embeddings": 131072,
    "mlp_bias": false, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 500000.0,
    "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.43.0.dev0", "use_cache": true,
    "vocab_size": 128256})"));
  EXPECT_EQ(config.head_dim, 128);
  EXPECT_EQ(config.eos_token_id, (std::vector<std::int64_t>{128001, 128008, 128009}));
  EXPECT_EQ(config.rope.type, RopeType::kLlama3);
  EXPECT_EQ(config.rope.original_max_position_embeddings, 8192);
  EXPECT_EQ(config.dtype, Dtype::kBFloat16);
  EXPECT_EQ(config.other_keys, json({{"pretraining_tp", 1}, {"use_cache", true}}));
}

TEST(LlamaConfig, FirstLlamaFiles) {
  const LlamaConfig config =
      read(json::parse(R"({"architectures": ["LLaMAForCausalLM"], "bos_token_id": 0, "eos_token_id": 1,
    "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 11008, "initializer_range": 0.02,
    "max_sequence_length": 2048, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
    "pad_token_id": -1, "rms_norm_eps": 1e-06, "torch_dtype": "float16", "use_cache": true, "vocab_size": 32000})"));
  EXPECT_EQ(config.num_key_value_heads, 32);
  EXPECT_EQ(config.max_position_embeddings, 2048);
  EXPECT_FALSE(config.pad_token_id.has_value());
  EXPECT_EQ(config.rope, RopeConfig{});
  EXPECT_EQ(to_json(config)["architectures"], json::array({"LlamaForCausalLM"}));
  EXPECT_EQ(to_json(config)["max_position_embeddings"], 2048);
}

TEST(LlamaConfig, Smollm2) {
  const LlamaConfig config =
      read(json::parse(R"({"architectures": ["LlamaForCausalLM"], "attention_bias": false,
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.041666666666666664,
    "intermediate_size": 1536, "is_llama_config": true, "max_position_embeddings": 8192, "mlp_bias": false,
    "model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3, "pad_token_id": 2,
    "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000,
    "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers.js_config": {"dtype": "q4"}, "vocab_size": 49152})"));
  EXPECT_EQ(config.head_dim, 64);
  EXPECT_EQ(config.rope.theta, 100000.0);
  EXPECT_EQ(to_json(config)["initializer_range"], 0.041666666666666664);
  EXPECT_EQ(to_json(config)["transformers.js_config"]["dtype"], "q4");
}

TEST(LlamaConfig, RopePrecedence) {
  const json linear = {{"type", "linear"}, {"factor", 2.0}};
  const json other = {{"rope_type", "linear"}, {"factor", 4.0}, {"rope_theta", 77.0}};
  const auto rope = [](const json& changes) { return read(with(small_llama(), changes)).rope; };
  EXPECT_EQ(rope({}).theta, 10000.0);
  EXPECT_EQ(rope({{"rope_theta", 5.0}}).theta, 5.0);
  EXPECT_EQ(rope({{"rope_theta", 5.0}, {"rope_parameters", other}}).theta, 77.0);
  EXPECT_EQ(rope({{"rope_scaling", linear}, {"rope_parameters", other}}).factor, 2.0);
  EXPECT_EQ(rope({{"rope_scaling", linear}, {"rope_parameters", other}}).theta, 10000.0);
  EXPECT_EQ(rope({{"rope_scaling", nullptr}, {"rope_parameters", other}}).factor, 4.0);
  EXPECT_EQ(rope({{"rope_scaling", json::object()}, {"rope_parameters", other}}).factor, 4.0);
  EXPECT_EQ(rope({{"rope_scaling", with(linear, {{"rope_type", "yarn"}})}}).type, RopeType::kYarn);
  EXPECT_EQ(rope({{"rope_scaling", with(linear, {{"rope_type", "yarn"}})}}).original_max_position_embeddings,
            64);
}

TEST(LlamaConfig, YarnParametersSurvive) {
  const json yarn = {{"rope_type", "yarn"}, {"factor", 4.0},
                     {"beta_fast", 16.0},   {"beta_slow", 2.0},
                     {"mscale", 0.7},       {"mscale_all_dim", 0.5},
                     {"truncate", false},   {"original_max_position_embeddings", 16}};
  const LlamaConfig config = read(with(small_llama(), {{"rope_parameters", yarn}}));
  EXPECT_TRUE(read(to_json(config)) == config);
  // (0.1 m ln 4 + 1) of both weights, one over the other.
  EXPECT_NEAR(rope_inverse_frequencies(config).attention_scaling, 1.0970406052 / 1.0693147180, 1e-9);
  EXPECT_EQ(config.rope.beta_fast, 16.0);
  EXPECT_FALSE(config.rope.truncate);
}

json qwen(const json& changes) {
  return with(with(small_llama(), {{"model_type", "qwen2"}, {"architectures", {"Qwen2ForCausalLM"}}}),
              changes);
}

TEST(LlamaConfig, QwenWindows) {
  const auto windows = [](const json& changes) {
    const LlamaConfig config = read(qwen(changes));
    EXPECT_TRUE(read(to_json(config)) == config) << to_json(config);
    std::vector<std::int64_t> result;
    for (std::int64_t layer = 0; layer < 4; ++layer) result.push_back(config.window_of_layer(layer));
    return result;
  };
  using Windows = std::vector<std::int64_t>;
  EXPECT_EQ(windows({{"sliding_window", 8}, {"use_sliding_window", false}, {"max_window_layers", 1}}),
            Windows(4, 0));
  EXPECT_EQ(windows({{"sliding_window", 8}, {"use_sliding_window", true}, {"max_window_layers", 1}}),
            (Windows{0, 8, 8, 8}));
  EXPECT_EQ(windows({{"sliding_window", 8}, {"use_sliding_window", true}, {"max_window_layers", 0}}),
            Windows(4, 8));
  EXPECT_EQ(windows({{"sliding_window", 8}, {"use_sliding_window", true}, {"max_window_layers", 9}}),
            Windows(4, 0));
  EXPECT_EQ(windows({{"sliding_window", 8},
                     {"use_sliding_window", true},
                     {"layer_types",
                      {"sliding_attention", "full_attention", "full_attention", "sliding_attention"}}}),
            (Windows{8, 0, 0, 8}));
}

struct Refused {
  json config;
  std::vector<std::string> parts;
};

TEST(LlamaConfig, RefusesWhatItWouldGetWrong) {
  const auto changed = [](const json& changes) { return with(small_llama(), changes); };
  const json llama3 = {
      {"rope_type", "llama3"}, {"factor", 8.0}, {"low_freq_factor", 4.0}, {"high_freq_factor", 1.0}};
  const std::vector<Refused> table{
      {changed({{"hidden_act", "gelu"}}), {"hidden_act", "gelu", "silu"}},
      {changed({{"attention_dropout", 0.1}}), {"attention_dropout", "0.1"}},
      {changed({{"partial_rotary_factor", 0.5}}), {"partial_rotary_factor", "0.5"}},
      {changed({{"rope_parameters", {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}}}}),
       {"rope_parameters.partial_rotary_factor"}},
      {changed({{"rope_interleaved", true}}), {"rope_interleaved"}},
      {changed({{"quantization_config", {{"quant_method", "gptq"}}}}), {"quantization_config", "gptq"}},
      {changed({{"auto_map", {{"AutoModelForCausalLM", "own.Model"}}}}), {"auto_map", "never run"}},
      {changed({{"num_local_experts", 8}}), {"num_local_experts", "mixtures"}},
      {changed({{"model_type", "mistral"}}), {"model_type", "mistral", "LlamaForCausalLM", "contradict"}},
      {changed({{"architectures", json::array({"LlamaForSequenceClassification"})}}),
       {"sequence classifier of 2 labels"}},
      {changed({{"sliding_window", 8}}), {"sliding_window is 8", "no sliding window"}},
      {changed({{"hidden_size", 16.0}}), {"hidden_size is 16.0"}},
      {changed({{"hidden_size", true}}), {"hidden_size is true"}},
      {changed({{"vocab_size", 18446744073709551615ULL}}), {"vocab_size"}},
      {changed({{"num_hidden_layers", 1000000}}), {"num_hidden_layers", "4096"}},
      {changed({{"head_dim", 7}}), {"head_dim is 7", "even"}},
      {changed({{"rms_norm_eps", 0}}), {"rms_norm_eps is 0"}},
      {changed({{"tie_word_embeddings", "yes"}}), {"tie_word_embeddings", "yes"}},
      {changed({{"eos_token_id", {2, "x"}}}), {"eos_token_id"}},
      {changed({{"eos_token_id", 32}}), {"eos_token_id is 32", "31"}},
      {changed({{"dtype", "float8_e4m3fn"}}), {"dtype", "float8_e4m3fn", "bfloat16"}},
      {changed({{"dtype", "float32"}, {"torch_dtype", "bfloat16"}}), {"dtype and torch_dtype differ"}},
      {changed({{"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}}}),
       {"rope_scaling.type", "dynamic", "yarn"}},
      {changed({{"rope_scaling", {{"type", "linear"}, {"factor", 0.5}}}}), {"rope_scaling.factor is 0.5"}},
      {changed({{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}, {"beta_fast", 3}}}}),
       {"rope_scaling.beta_fast", "no meaning"}},
      {changed({{"rope_scaling", "linear"}}), {"rope_scaling is \"linear\""}},
      {changed({{"rope_scaling", llama3}}), {"high_freq_factor", "above low_freq_factor"}},
      {changed({{"rope_parameters", {{"full_attention", {{"rope_type", "default"}}}}}}),
       {"rope_parameters.full_attention"}},
      {changed({{"rope_theta", -1}}), {"rope_theta is -1"}},
      {qwen({{"use_sliding_window", true}, {"max_window_layers", 1}}), {"sliding_window is missing"}},
      {qwen({{"use_sliding_window", true}, {"sliding_window", 8}}), {"max_window_layers is missing"}},
      {qwen({{"layer_types", {"sliding_attention", "full_attention", "full_attention", "full_attention"}}}),
       {"layer_types", "use_sliding_window"}},
      {qwen({{"use_sliding_window", true}, {"sliding_window", 8}, {"layer_types", {"sliding_attention"}}}),
       {"layer_types", "4 layers"}},
      {without(qwen({}), "num_key_value_heads"), {"num_key_value_heads is missing"}},
      {without(small_llama(), "rms_norm_eps"), {"rms_norm_eps is missing"}},
      {without(without(small_llama(), "model_type"), "architectures"), {"model_type is missing", "olmo2"}},
      {json::array(), {"array", "object"}},
  };
  for (const Refused& entry : table) {
    const Error error = refusal(entry.config);
    EXPECT_EQ(error.exit_code(), 65);
    for (const std::string& part : entry.parts) EXPECT_NAMES(error, part);
  }
}

// Absent, it would mean 4096 to transformers; published files of either kind say it.
TEST(LlamaConfig, MistralMustSayItsWindow) {
  const json mistral =
      with(small_llama(), {{"model_type", "mistral"}, {"architectures", {"MistralForCausalLM"}}});
  EXPECT_NAMES(refusal(mistral), "sliding_window is missing");
  EXPECT_EQ(read(with(mistral, {{"sliding_window", nullptr}})).window_of_layer(0), 0);
  EXPECT_EQ(read(with(mistral, {{"sliding_window", 8}})).window_of_layer(3), 8);
}

TEST(LlamaConfig, AllProblemsAtOnce) {
  const Error error =
      refusal(with(without(small_llama(), "vocab_size"), {{"hidden_act", "relu"}, {"rope_theta", "x"}}));
  EXPECT_NAMES(error, "3 problems");
  EXPECT_NAMES(error, "vocab_size is missing");
  EXPECT_NAMES(error, "relu");
  EXPECT_NAMES(error, "rope_theta");
}

// transformers 4.57 reads the left group, 5.x either.
TEST(LlamaConfig, WritesBothSpellings) {
  const json rope = {{"rope_type", "linear"}, {"factor", 4.0}, {"rope_theta", 50000.0}};
  const json written =
      to_json(read(with(small_llama(), {{"rope_parameters", rope}, {"dtype", "bfloat16"}, {"answer", 42}})));
  EXPECT_EQ(written["rope_theta"], 50000.0);
  EXPECT_EQ(written["rope_scaling"], json({{"rope_type", "linear"}, {"factor", 4.0}}));
  EXPECT_EQ(written["torch_dtype"], "bfloat16");
  EXPECT_EQ(written["rope_parameters"], rope);
  EXPECT_EQ(written["dtype"], "bfloat16");
  EXPECT_EQ(written["answer"], 42);
  EXPECT_TRUE(to_json(read(small_llama()))["rope_scaling"].is_null());
}

TEST(LlamaConfig, AClassifierOfOneLabelIsARewardModel) {
  const json classifier =
      with(small_llama(), {{"architectures", json::array({"LlamaForSequenceClassification"})},
                           {"id2label", json::parse(R"({"0": "LABEL_0"})")},
                           {"tie_word_embeddings", true}});
  const LlamaConfig config = read(classifier);
  EXPECT_EQ(config.num_labels, 1);
  EXPECT_EQ(config.head_name(), "score.weight");
  EXPECT_EQ(config.head_rows(), 1);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_EQ(read(to_json(config)), config);
  EXPECT_EQ(to_json(config)["architectures"], json::array({"LlamaForSequenceClassification"}));
  EXPECT_EQ(read(small_llama()).num_labels, 0);
  EXPECT_EQ(read(small_llama()).head_rows(), 32);
  // Two labels, as Hugging Face has it where nothing is said.
  const json two = with(small_llama(), {{"architectures", json::array({"LlamaForSequenceClassification"})}});
  EXPECT_NE(std::string(refusal(two).what()).find("2 labels; allowed: 1"), std::string::npos);
}

TEST(LlamaConfig, HandMadeConfigsAreChecked) {
  LlamaConfig config = read(small_llama());
  config.num_key_value_heads = 3;
  EXPECT_NAMES(tests::error_of([&] { check_llama_config(config, "model"); }), "num_key_value_heads is 3");
  config.num_key_value_heads = 2;
  config.sliding_layers = {true, true};
  EXPECT_NAMES(tests::error_of([&] { check_llama_config(config, "model"); }), "2 entries");
}

}  // namespace
}  // namespace caravan::models
