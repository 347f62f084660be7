// LlamaConfig to a config.json that transformers 4.57 and 5.x read alike.
#include "models/llama/config.h"
#include "models/llama/config_rope.h"

namespace caravan::models {

using nlohmann::json;

namespace {

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json eos_json(const std::vector<std::int64_t>& ids) {
  if (ids.empty()) return nullptr;
  return ids.size() == 1 ? json(ids.front()) : json(ids);
}

void write_window(const LlamaConfig& config, json& target) {
  const bool qwen = config.model_type == ModelType::kQwen2 || config.model_type == ModelType::kQwen3;
  if (qwen || config.model_type == ModelType::kMistral)
    target["sliding_window"] = or_null(config.sliding_window);
  if (!qwen) return;
  target["use_sliding_window"] = config.sliding_window.has_value();
  json types = json::array();
  std::int64_t leading_full = 0;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const bool slides = config.window_of_layer(layer) != 0;
    if (!slides && leading_full == layer) ++leading_full;
    types.push_back(slides ? "sliding_attention" : "full_attention");
  }
  target["layer_types"] = types;
  // Readers that do not know layer_types look here. Without a window the source's number has no effect and
  // stays.
  if (config.sliding_window) target["max_window_layers"] = leading_full;
}

}  // namespace

json to_json(const LlamaConfig& config) {
  json target = config.other_keys.is_object() ? config.other_keys : json::object();
  std::string architecture(architecture_name(config.model_type));
  if (config.num_labels > 0) {
    architecture.replace(architecture.find("ForCausalLM"), std::string::npos, "ForSequenceClassification");
    target["num_labels"] = config.num_labels;
    target["id2label"] = target["label2id"] = json::object();
    target["id2label"]["0"] = "LABEL_0";
    target["label2id"]["LABEL_0"] = 0;
  }
  target["architectures"] = json::array({architecture});
  target["model_type"] = model_type_name(config.model_type);
  target["vocab_size"] = config.vocab_size;
  target["hidden_size"] = config.hidden_size;
  target["intermediate_size"] = config.intermediate_size;
  target["num_hidden_layers"] = config.num_hidden_layers;
  target["num_attention_heads"] = config.num_attention_heads;
  target["num_key_value_heads"] = config.num_key_value_heads;
  const bool usual_head_dim = config.head_dim * config.num_attention_heads == config.hidden_size;
  const bool knows_head_dim =
      config.model_type != ModelType::kQwen2 && config.model_type != ModelType::kOlmo2;
  if (knows_head_dim || !usual_head_dim) target["head_dim"] = config.head_dim;
  target["max_position_embeddings"] = config.max_position_embeddings;
  target["rms_norm_eps"] = config.rms_norm_eps;
  target["hidden_act"] = "silu";
  target["initializer_range"] = config.initializer_range;
  target["attention_dropout"] = 0.0;
  target["tie_word_embeddings"] = config.tie_word_embeddings;
  if (knows_head_dim && config.model_type != ModelType::kMistral)
    target["attention_bias"] = config.attention_bias;
  if (config.model_type == ModelType::kOlmo2) target["attention_bias"] = config.attention_bias;
  if (config.model_type == ModelType::kLlama) target["mlp_bias"] = config.mlp_bias;
  target["bos_token_id"] = or_null(config.bos_token_id);
  target["eos_token_id"] = eos_json(config.eos_token_id);
  target["pad_token_id"] = or_null(config.pad_token_id);
  write_window(config, target);
  write_rope(config.rope, target);
  if (config.dtype) target["dtype"] = target["torch_dtype"] = dtype_name(*config.dtype);
  return target;
}

}  // namespace caravan::models
