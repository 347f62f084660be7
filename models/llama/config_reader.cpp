// config.json to LlamaConfig: both spellings, the precedence of transformers 5, and a refusal of what we
// would get wrong.
#include <algorithm>
#include <array>

#include "models/llama/config.h"
#include "models/llama/config_limits.h"
#include "models/llama/config_rope.h"
#include "models/weights/json_fields.h"
#include "models/weights/strict_json.h"

namespace caravan::models {

using nlohmann::json;

namespace {

constexpr std::array kModelTypes{ModelType::kLlama, ModelType::kMistral, ModelType::kQwen2, ModelType::kQwen3,
                                 ModelType::kOlmo2};
using NameOfType = std::string_view (*)(ModelType);

std::string list_types(NameOfType name_of) {
  std::string text;
  for (const ModelType type : kModelTypes) text += (text.empty() ? "" : ", ") + std::string(name_of(type));
  return text;
}

std::optional<ModelType> type_named(const std::optional<std::string>& name, NameOfType name_of) {
  for (const ModelType type : kModelTypes) {
    if (name && *name == name_of(type)) return type;
  }
  return std::nullopt;
}

// The only architecture named, or nothing. The oldest Llama files say LLaMAForCausalLM.
// `scores`: it has a head of scores.
std::optional<std::string> read_architecture(JsonFields& fields, bool& scores) {
  const json* list = fields.value("architectures");
  if (list == nullptr) return std::nullopt;
  if (!list->is_array() || list->size() != 1 || !list->front().is_string()) {
    fields.refuse("architectures", "a list of one of " + list_types(architecture_name));
    return std::nullopt;
  }
  std::string name = list->front().get<std::string>();
  constexpr std::string_view kScores = "ForSequenceClassification";
  scores = name.ends_with(kScores);
  if (scores) name.replace(name.size() - kScores.size(), kScores.size(), "ForCausalLM");
  return name == "LLaMAForCausalLM" ? "LlamaForCausalLM" : name;
}

// One score a text; the names of labels say how many there are where num_labels does not.
void read_labels(JsonFields& fields, LlamaConfig& config) {
  const json* names = fields.value("id2label");
  fields.value("label2id");
  const std::int64_t named =
      names != nullptr && names->is_object() ? static_cast<std::int64_t>(names->size()) : 2;
  config.num_labels = fields.integer("num_labels", 1, kMaxVocabSize).value_or(named);
  if (config.num_labels != 1)
    fields.note("architectures is a sequence classifier of " + std::to_string(config.num_labels) +
                " labels; allowed: 1, a reward model");
  // There is no head over tokens to tie.
  config.tie_word_embeddings = false;
}

ModelType read_model_type(JsonFields& fields, bool& scores) {
  const std::optional<std::string> name = fields.text("model_type");
  const std::optional<std::string> architecture = read_architecture(fields, scores);
  const std::optional<ModelType> by_name = type_named(name, model_type_name);
  const std::optional<ModelType> by_architecture = type_named(architecture, architecture_name);
  if (architecture && !by_architecture) fields.refuse("architectures", list_types(architecture_name));
  if (name && !by_name) fields.refuse("model_type", list_types(model_type_name));
  if (!name && !architecture) fields.missing("model_type", "allowed: " + list_types(model_type_name));
  if (by_name && by_architecture && by_name != by_architecture) {
    fields.note("model_type is \"" + *name + "\" and architectures is [\"" + *architecture +
                "\"]; they contradict each other: correct one of them");
  }
  return by_name ? *by_name : by_architecture.value_or(ModelType::kLlama);
}

// What changes the arithmetic in ways we do not compute.
void refuse_unsupported(JsonFields& fields) {
  const std::optional<std::string> act = fields.text("hidden_act");
  if (act && *act != "silu") fields.refuse("hidden_act", "\"silu\"");
  for (const char* key : {"attention_dropout", "embd_pdrop", "resid_pdrop"}) {
    if (fields.number(key, 0.0, 1.0).value_or(0.0) != 0.0) fields.refuse(key, "0, there is no dropout here");
  }
  if (fields.number("partial_rotary_factor", 0.0, 1.0).value_or(1.0) != 1.0) {
    fields.refuse("partial_rotary_factor", "1, every part of a head is rotated");
  }
  if (fields.boolean("rope_interleaved").value_or(false))
    fields.refuse("rope_interleaved", "false, pairs lie half a head apart");
  if (fields.has("quantization_config")) {
    fields.refuse("quantization_config", "none; give a checkpoint with F32, BF16 or F16 weights");
  }
  if (fields.has("auto_map")) {
    fields.refuse("auto_map",
                  "none, code of a checkpoint is never run; remove it if the model is a plain one");
  }
  for (const char* key : {"num_experts", "num_local_experts", "n_routed_experts"}) {
    if (fields.has(key)) fields.refuse(key, "none, mixtures of experts are not supported");
  }
  for (const char* key :
       {"clip_qkv", "logit_scale", "embedding_multiplier", "attention_multiplier", "residual_multiplier",
        "logits_scaling", "final_logit_softcapping", "attn_logit_softcapping"}) {
    if (fields.has(key)) fields.refuse(key, "none, no model_type of ours computes it");
  }
}

void read_sizes(JsonFields& fields, LlamaConfig& config) {
  config.vocab_size = fields.required_integer("vocab_size", 1, kMaxVocabSize);
  config.hidden_size = fields.required_integer("hidden_size", 1, kMaxHiddenSize);
  config.intermediate_size = fields.required_integer("intermediate_size", 1, kMaxIntermediateSize);
  config.num_hidden_layers = fields.required_integer("num_hidden_layers", 1, kMaxLayers);
  config.num_attention_heads = fields.required_integer("num_attention_heads", 1, kMaxHeads);
  // The first Llama files used the other name.
  const char* positions = fields.has("max_sequence_length") && !fields.has("max_position_embeddings")
                              ? "max_sequence_length"
                              : "max_position_embeddings";
  config.max_position_embeddings = fields.required_integer(positions, 1, kMaxPositions);
  if (!fields.has("rms_norm_eps")) fields.missing("rms_norm_eps", "a number like 1e-5 or 1e-6 is needed");
  config.rms_norm_eps = fields.number("rms_norm_eps", 1e-30, 0.5).value_or(1e-6);
  config.initializer_range = fields.number("initializer_range", 0.0, 1e6).value_or(0.02);
}

// Absent means "as many as attention heads" or "hidden_size / num_attention_heads" for some types, and a
// number that belongs to one published size for others; the latter is never taken silently.
void read_heads(JsonFields& fields, const json& source, LlamaConfig& config) {
  const bool sizes_known = fields.problems().empty();
  const bool as_many_as_heads =
      config.model_type == ModelType::kLlama || config.model_type == ModelType::kOlmo2;
  if (!source.contains("num_key_value_heads") && !as_many_as_heads) {
    fields.missing("num_key_value_heads",
                   "it is needed with model_type " + std::string(model_type_name(config.model_type)));
  }
  config.num_key_value_heads =
      fields.integer("num_key_value_heads", 1, kMaxHeads).value_or(config.num_attention_heads);
  const std::optional<std::int64_t> head_dim = fields.integer("head_dim", 1, kMaxHeadDim);
  if (!fields.has("head_dim") && config.model_type == ModelType::kQwen3) {
    fields.missing("head_dim", "it is needed with model_type qwen3");
  } else if (!fields.has("head_dim") && sizes_known && config.hidden_size % config.num_attention_heads != 0) {
    fields.note("hidden_size is " + std::to_string(config.hidden_size) + " and num_attention_heads is " +
                std::to_string(config.num_attention_heads) +
                "; allowed: a multiple of the heads, or an explicit head_dim");
  }
  config.head_dim = head_dim.value_or(config.hidden_size / config.num_attention_heads);
}

void read_flags_and_tokens(JsonFields& fields, LlamaConfig& config) {
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings").value_or(false);
  // Qwen2 has its biases whatever the file says; the key then stays with those we do not interpret.
  if (config.model_type != ModelType::kQwen2) {
    config.attention_bias = fields.boolean("attention_bias").value_or(false);
  }
  config.mlp_bias = fields.boolean("mlp_bias").value_or(false);
  config.bos_token_id = fields.integer("bos_token_id", 0, kMaxVocabSize);
  config.eos_token_id = fields.integer_or_list("eos_token_id", 0, kMaxVocabSize);
  const std::optional<std::int64_t> pad = fields.integer("pad_token_id", -1, kMaxVocabSize);
  if (pad && *pad >= 0) config.pad_token_id = pad;  // -1 is how the first Llama files say "none"
}

std::optional<Dtype> read_dtype(JsonFields& fields) {
  std::optional<Dtype> dtypes[2];
  const char* keys[2] = {"dtype", "torch_dtype"};
  for (int i = 0; i < 2; ++i) {
    const std::optional<std::string> name = fields.text(keys[i]);
    if (!name) continue;
    dtypes[i] = dtype_of_name(*name);
    if (!dtypes[i] || !is_floating(*dtypes[i])) fields.refuse(keys[i], "float32, bfloat16, float16, float64");
  }
  if (dtypes[0] && dtypes[1] && dtypes[0] != dtypes[1]) {
    fields.note("dtype and torch_dtype differ; write the same into both, or only one");
  }
  return dtypes[0] ? dtypes[0] : dtypes[1];
}

// Flags of layer_types, or those that max_window_layers stands for: the first layers see everything, the
// others slide.
std::vector<bool> read_sliding_layers(JsonFields& fields, const LlamaConfig& config) {
  std::vector<bool> slides;
  if (const json* types = fields.value("layer_types")) {
    const bool right_length =
        types->is_array() && types->size() == static_cast<std::size_t>(config.num_hidden_layers);
    for (const json& type : right_length ? *types : json::array())
      slides.push_back(type == "sliding_attention");
    const auto known = [](const json& type) {
      return type == "full_attention" || type == "sliding_attention";
    };
    if (!right_length || !std::all_of(types->begin(), types->end(), known)) {
      fields.refuse("layer_types", "one of \"full_attention\" and \"sliding_attention\" for each of the " +
                                       std::to_string(config.num_hidden_layers) + " layers");
    }
    return slides;
  }
  if (!fields.has("max_window_layers")) {
    fields.missing("max_window_layers", "use_sliding_window is true and needs it, or layer_types");
  }
  const std::int64_t full = fields.integer("max_window_layers", 0, kMaxPositions).value_or(0);
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) slides.push_back(layer >= full);
  return slides;
}

void read_qwen_window(JsonFields& fields, LlamaConfig& config) {
  if (!fields.boolean("use_sliding_window").value_or(false)) {
    fields.value("sliding_window");  // published files carry a number that has no effect
    const std::vector<bool> slides =
        fields.has("layer_types") ? read_sliding_layers(fields, config) : std::vector<bool>();
    if (std::count(slides.begin(), slides.end(), true) > 0) {
      fields.refuse("layer_types", "\"full_attention\" only, because use_sliding_window is not true");
    }
    return;
  }
  if (!fields.has("sliding_window"))
    fields.missing("sliding_window", "use_sliding_window is true and needs it");
  const std::optional<std::int64_t> window = fields.integer("sliding_window", 1, kMaxPositions);
  std::vector<bool> slides = read_sliding_layers(fields, config);
  const auto num_sliding = std::count(slides.begin(), slides.end(), true);
  if (num_sliding == 0) return;
  config.sliding_window = window;
  // One form for one meaning: no flags where every layer slides.
  if (num_sliding < static_cast<std::ptrdiff_t>(slides.size())) config.sliding_layers = std::move(slides);
}

void read_window(JsonFields& fields, const json& source, LlamaConfig& config) {
  if (config.model_type == ModelType::kQwen2 || config.model_type == ModelType::kQwen3) {
    read_qwen_window(fields, config);
    return;
  }
  if (config.model_type == ModelType::kMistral && !source.contains("sliding_window")) {
    fields.missing("sliding_window",
                   "write null for full attention (Mistral 7B 0.2 and later) or 4096 (0.1)");
  }
  config.sliding_window = fields.integer("sliding_window", 1, kMaxPositions);
  const std::vector<bool> slides =
      fields.has("layer_types") ? read_sliding_layers(fields, config) : std::vector<bool>();
  if (std::count(slides.begin(), slides.end(), !config.sliding_window.has_value()) > 0) {
    fields.refuse("layer_types",
                  "the same type for every layer, with sliding_window null for \"full_attention\"");
  }
}

}  // namespace

LlamaConfig llama_config_from_json(const json& source, const std::string& where) {
  if (!source.is_object())
    throw_problems(where, {"holds " + std::string(source.type_name()) + "; an object is needed"});
  JsonFields fields(source);
  LlamaConfig config;
  bool scores = false;
  config.model_type = read_model_type(fields, scores);
  refuse_unsupported(fields);
  read_sizes(fields, config);
  read_heads(fields, source, config);
  read_flags_and_tokens(fields, config);
  if (scores) read_labels(fields, config);
  read_window(fields, source, config);
  config.dtype = read_dtype(fields);
  config.rope = read_rope(fields, config);
  // A version of the writer says nothing of the model, and ours is not the one that wrote the file.
  fields.value("transformers_version");
  throw_problems(where, fields.problems());
  config.other_keys = fields.unread();
  check_llama_config(config, where);
  return config;
}

LlamaConfig read_llama_config(const std::string& path) {
  return llama_config_from_json(read_json_object(path), path);
}

}  // namespace caravan::models
