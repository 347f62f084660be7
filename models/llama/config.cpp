#include "models/llama/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "models/llama/config_limits.h"
#include "models/weights/json_fields.h"

namespace caravan::models {

std::string_view model_type_name(ModelType type) {
  constexpr std::array<std::string_view, 5> kNames{"llama", "mistral", "qwen2", "qwen3", "olmo2"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view architecture_name(ModelType type) {
  constexpr std::array<std::string_view, 5> kNames{
      "LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Olmo2ForCausalLM"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view rope_type_name(RopeType type) {
  constexpr std::array<std::string_view, 4> kNames{"default", "linear", "llama3", "yarn"};
  return kNames[static_cast<std::size_t>(type)];
}

QkNorm LlamaConfig::qk_norm() const {
  if (model_type == ModelType::kQwen3) return QkNorm::kPerHead;
  return model_type == ModelType::kOlmo2 ? QkNorm::kFullWidth : QkNorm::kNone;
}

NormPlacement LlamaConfig::norm_placement() const {
  return model_type == ModelType::kOlmo2 ? NormPlacement::kPost : NormPlacement::kPre;
}

std::int64_t LlamaConfig::window_of_layer(std::int64_t layer) const {
  const bool slides = sliding_layers.empty() || sliding_layers.at(static_cast<std::size_t>(layer));
  return slides ? sliding_window.value_or(0) : 0;
}

bool LlamaConfig::operator==(const LlamaConfig& other) const {
  const auto facts = [](const LlamaConfig& c) {
    return std::tie(c.model_type, c.vocab_size, c.hidden_size, c.intermediate_size, c.num_hidden_layers,
                    c.num_attention_heads, c.num_key_value_heads, c.head_dim, c.max_position_embeddings,
                    c.rms_norm_eps, c.rope, c.tie_word_embeddings, c.attention_bias, c.mlp_bias,
                    c.sliding_window, c.sliding_layers, c.bos_token_id, c.eos_token_id, c.pad_token_id,
                    c.initializer_range, c.num_labels, c.dtype);
  };
  return facts(*this) == facts(other);
}

namespace {

struct Bound {
  std::string_view key;
  std::int64_t value;
  std::int64_t most;
};

void check_sizes(const LlamaConfig& config, std::vector<std::string>& problems) {
  for (const Bound& bound : {Bound{"vocab_size", config.vocab_size, kMaxVocabSize},
                             {"hidden_size", config.hidden_size, kMaxHiddenSize},
                             {"intermediate_size", config.intermediate_size, kMaxIntermediateSize},
                             {"num_hidden_layers", config.num_hidden_layers, kMaxLayers},
                             {"num_attention_heads", config.num_attention_heads, kMaxHeads},
                             {"num_key_value_heads", config.num_key_value_heads, kMaxHeads},
                             {"head_dim", config.head_dim, kMaxHeadDim},
                             {"max_position_embeddings", config.max_position_embeddings, kMaxPositions}}) {
    if (bound.value < 1 || bound.value > bound.most) {
      problems.push_back(std::string(bound.key) + " is " + std::to_string(bound.value) +
                         "; allowed: a whole number from 1 to " + std::to_string(bound.most));
    }
  }
  if (config.head_dim % 2 != 0) {
    problems.push_back("head_dim is " + std::to_string(config.head_dim) +
                       "; allowed: even numbers, rotary embeddings turn pairs");
  }
  if (config.num_key_value_heads > 0 && config.num_attention_heads % config.num_key_value_heads != 0) {
    problems.push_back("num_attention_heads is " + std::to_string(config.num_attention_heads) +
                       " and num_key_value_heads is " + std::to_string(config.num_key_value_heads) +
                       "; allowed: a number of key/value heads that divides the number of attention heads");
  }
}

void check_rope(const LlamaConfig& config, std::vector<std::string>& problems) {
  const RopeConfig& rope = config.rope;
  const auto require = [&](bool holds, const std::string& key, double value, const std::string& allowed) {
    if (!holds) problems.push_back("rope " + key + " is " + value_text(value) + "; allowed: " + allowed);
  };
  require(rope.theta > 1 && std::isfinite(rope.theta), "theta (rope_theta)", rope.theta,
          "a finite number above 1");
  require(rope.factor >= 1 && std::isfinite(rope.factor), "factor", rope.factor,
          "a finite number of at least 1");
  const bool has_original = rope.type == RopeType::kLlama3 || rope.type == RopeType::kYarn;
  const auto original = static_cast<double>(rope.original_max_position_embeddings);
  if (has_original) require(original >= 1, "original_max_position_embeddings", original, "at least 1 token");
  if (rope.type == RopeType::kLlama3) {
    require(rope.low_freq_factor > 0, "low_freq_factor", rope.low_freq_factor, "above 0");
    require(rope.high_freq_factor > rope.low_freq_factor, "high_freq_factor", rope.high_freq_factor,
            "above low_freq_factor, which is " + value_text(rope.low_freq_factor));
  }
  if (rope.type == RopeType::kYarn) {
    require(rope.beta_slow > 0, "beta_slow", rope.beta_slow, "above 0");
    require(rope.beta_fast >= rope.beta_slow, "beta_fast", rope.beta_fast,
            "at least beta_slow, which is " + value_text(rope.beta_slow));
  }
}

void check_rest(const LlamaConfig& config, std::vector<std::string>& problems) {
  if (!(config.rms_norm_eps > 0 && config.rms_norm_eps < 1)) {
    problems.push_back("rms_norm_eps is " + value_text(config.rms_norm_eps) +
                       "; allowed: above 0 and below 1");
  }
  const bool may_slide = config.model_type != ModelType::kLlama && config.model_type != ModelType::kOlmo2;
  if (config.sliding_window && !may_slide) {
    problems.push_back("sliding_window is " + std::to_string(*config.sliding_window) + "; model_type " +
                       std::string(model_type_name(config.model_type)) + " has no sliding window: remove it");
  }
  if (config.sliding_window && *config.sliding_window < 1) {
    problems.push_back("sliding_window is " + std::to_string(*config.sliding_window) +
                       "; allowed: null, or at least 1 token");
  }
  const auto num_flags = static_cast<std::int64_t>(config.sliding_layers.size());
  if (num_flags != 0 && num_flags != config.num_hidden_layers) {
    problems.push_back("layer_types has " + std::to_string(num_flags) +
                       " entries; allowed: one for each of the " + std::to_string(config.num_hidden_layers) +
                       " layers (num_hidden_layers)");
  }
  if (num_flags != 0 &&
      std::count(config.sliding_layers.begin(), config.sliding_layers.end(), true) % num_flags == 0) {
    problems.push_back(
        "sliding_layers says the same of every layer; leave it empty, and sliding_window where none slides");
  }
  if (config.mlp_bias && config.model_type != ModelType::kLlama) {
    problems.push_back("mlp_bias is true; allowed: false, model_type " +
                       std::string(model_type_name(config.model_type)) + " has none");
  }
  if (config.attention_bias && config.model_type == ModelType::kMistral) {
    problems.push_back("attention_bias is true; allowed: false, model_type mistral has none");
  }
}

void check_tokens(const LlamaConfig& config, std::vector<std::string>& problems) {
  const auto check = [&](std::string_view key, std::int64_t id) {
    if (id < 0 || id >= config.vocab_size) {
      problems.push_back(std::string(key) + " is " + std::to_string(id) +
                         "; allowed: from 0 to vocab_size - 1, which is " +
                         std::to_string(config.vocab_size - 1));
    }
  };
  if (config.bos_token_id) check("bos_token_id", *config.bos_token_id);
  for (const std::int64_t id : config.eos_token_id) check("eos_token_id", id);
  // pad_token_id may lie beyond the vocabulary: published checkpoints do that, and no pad token is ever fed
  // to the model.
}

}  // namespace

void check_llama_config(const LlamaConfig& config, const std::string& where) {
  std::vector<std::string> problems;
  check_sizes(config, problems);
  check_rope(config, problems);
  check_rest(config, problems);
  if (problems.empty()) check_tokens(config, problems);
  throw_problems(where, problems);
}

}  // namespace caravan::models
