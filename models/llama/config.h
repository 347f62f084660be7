// What config.json of a Llama-style checkpoint says, checked and complete.
//
// Goals: one struct for Llama 1-3.x, Mistral, Qwen2, Qwen3 and OLMo2 in the spelling of transformers 4 and 5;
// everything that the arithmetic depends on is either understood or refused; what is written back is read
// right by both versions. Non-goals: mixtures of experts, quantised weights, models with code of their own.
//
// Members carry the names of the Hugging Face keys. All functions are safe to call from several threads.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/weights/dtype.h"

namespace caravan::models {

enum class ModelType { kLlama, kMistral, kQwen2, kQwen3, kOlmo2 };
enum class RopeType { kDefault, kLinear, kLlama3, kYarn };
// Where q and k are normed before the rotation: not at all, each head by itself (Qwen3), all heads as one row
// (OLMo2).
enum class QkNorm { kNone, kPerHead, kFullWidth };
// Norms before attention and MLP on their inputs, or after them on their outputs (OLMo2).
enum class NormPlacement { kPre, kPost };

struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000.0;
  double factor = 1.0;                                // linear, llama3, yarn; at least 1
  std::int64_t original_max_position_embeddings = 0;  // llama3, yarn
  double low_freq_factor = 0.0;                       // llama3
  double high_freq_factor = 0.0;                      // llama3
  double beta_fast = 32.0;                            // yarn, as the rest
  double beta_slow = 1.0;
  std::optional<double> attention_factor;
  std::optional<double> mscale;
  std::optional<double> mscale_all_dim;
  bool truncate = true;
  bool operator==(const RopeConfig&) const = default;
};

struct LlamaConfig {
  ModelType model_type = ModelType::kLlama;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;  // tokens
  double rms_norm_eps = 1e-6;
  RopeConfig rope;
  bool tie_word_embeddings = false;
  bool attention_bias = false;  // as the file says; what the layers have is qkv_bias() and o_bias()
  bool mlp_bias = false;
  // Tokens a query sees, itself included; nothing = all. Already nothing where use_sliding_window is false.
  std::optional<std::int64_t> sliding_window;
  // One flag a layer: does it use the window? Empty = all layers do.
  std::vector<bool> sliding_layers;
  std::optional<std::int64_t> bos_token_id;
  std::vector<std::int64_t> eos_token_id;  // all that end a text; may be empty
  std::optional<std::int64_t> pad_token_id;
  double initializer_range = 0.02;
  // Scores of a text by score.weight, in place of a head over tokens (...ForSequenceClassification); 0:
  // tokens.
  std::int64_t num_labels = 0;
  std::optional<Dtype> dtype;  // of the stored weights, as the file says; nothing = it does not say
  // Keys of the source file that we do not interpret, kept for to_json. Not compared.
  nlohmann::json other_keys = nlohmann::json::object();

  // The output head: its name in a checkpoint, where it is not tied, and its rows.
  std::string_view head_name() const { return num_labels > 0 ? "score.weight" : "lm_head.weight"; }
  std::int64_t head_rows() const { return num_labels > 0 ? num_labels : vocab_size; }
  bool qkv_bias() const { return model_type == ModelType::kQwen2 || attention_bias; }
  bool o_bias() const { return model_type != ModelType::kQwen2 && attention_bias; }
  QkNorm qk_norm() const;
  NormPlacement norm_placement() const;
  // Llama, Mistral and Qwen round x/rms(x) to the compute dtype before they multiply by the norm's weight;
  // OLMo2 rounds after.
  bool norm_rounds_before_weight() const { return model_type != ModelType::kOlmo2; }
  // OLMo2 keeps cos and sin in fp32, the others round them to the compute dtype.
  bool rope_in_float32() const { return model_type == ModelType::kOlmo2; }
  // Tokens that a query of this layer sees, itself included; 0 = all before it.
  std::int64_t window_of_layer(std::int64_t layer) const;

  // Same model: everything but other_keys.
  bool operator==(const LlamaConfig& other) const;
};

std::string_view model_type_name(ModelType type);    // "llama", ...
std::string_view architecture_name(ModelType type);  // "LlamaForCausalLM", ...
std::string_view rope_type_name(RopeType type);      // "default", ...

// Reads config.json. `where` names the file in errors. Throws Error (65) that lists every unsupported or
// wrong key with its value and what is allowed; Error (74) where the file cannot be read.
LlamaConfig read_llama_config(const std::string& path);
LlamaConfig llama_config_from_json(const nlohmann::json& json, const std::string& where);

// Checks a config made by hand for the same rules (sizes, divisibility, rope). Throws Error (65).
void check_llama_config(const LlamaConfig& config, const std::string& where);

// A config.json that transformers 4.57 and 5.x read alike: rope_parameters and rope_theta/rope_scaling, dtype
// and torch_dtype.
nlohmann::json to_json(const LlamaConfig& config);

// Rotary frequencies [head_dim / 2] in radians a token, with the fp32 arithmetic of transformers, and the
// factor on cos and sin.
struct RopeFrequencies {
  std::vector<float> inv_freq;
  double attention_scaling = 1.0;
};
RopeFrequencies rope_inverse_frequencies(const LlamaConfig& config);

}  // namespace caravan::models
