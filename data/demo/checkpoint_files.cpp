#include "data/demo/checkpoint_files.h"

#include <algorithm>

#include "data/error.h"

namespace caravan::data {
namespace {

constexpr std::string_view kBos = "<|bos|>";
constexpr std::string_view kUser = "<|user|>";
constexpr std::string_view kAssistant = "<|assistant|>";
constexpr std::string_view kSystem = "<|system|>";
constexpr std::string_view kEnd = "<|end|>";
constexpr std::string_view kPad = "<|pad|>";

std::size_t special_id(const BpeVocabulary& vocabulary, std::string_view token) {
  const auto found = std::find(vocabulary.special_tokens.begin(), vocabulary.special_tokens.end(), token);
  if (found == vocabulary.special_tokens.end()) {
    throw Error(Error::Kind::kUsage, "demo tokenizer: the vocabulary has no " + std::string(token) +
                                         "; train it with demo_special_tokens()");
  }
  return static_cast<std::size_t>(found - vocabulary.special_tokens.begin());
}

}  // namespace

std::vector<std::string> demo_special_tokens() {
  return {std::string(kBos),    std::string(kUser), std::string(kAssistant),
          std::string(kSystem), std::string(kEnd),  std::string(kPad)};
}

std::string demo_chat_template() {
  // Each marker is written by the template itself, whole: what users write never becomes one.
  return R"({{- bos_token }}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}
        {{- '<|system|>' }}
    {%- elif message['role'] == 'user' %}
        {{- '<|user|>' }}
    {%- elif message['role'] == 'assistant' %}
        {{- '<|assistant|>' }}
    {%- else %}
        {{- raise_exception('found role ' + message['role'] + '; allowed: system, user, assistant') }}
    {%- endif %}
    {{- message['content'] }}
    {{- '<|end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>' }}
{%- endif %}
)";
}

Json demo_config(const DemoModelOptions& options, const BpeVocabulary& vocabulary) {
  return {{"architectures", Json::array({"LlamaForCausalLM"})},
          {"model_type", "llama"},
          {"vocab_size", vocabulary.tokens.size()},
          {"hidden_size", options.hidden_size},
          {"intermediate_size", options.intermediate_size},
          {"num_hidden_layers", options.num_hidden_layers},
          {"num_attention_heads", options.num_attention_heads},
          {"num_key_value_heads", options.num_key_value_heads},
          {"head_dim", options.hidden_size / options.num_attention_heads},
          {"hidden_act", "silu"},
          {"max_position_embeddings", options.max_position_embeddings},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"rope_scaling", nullptr},
          {"attention_bias", false},
          {"attention_dropout", 0.0},
          {"mlp_bias", false},
          {"tie_word_embeddings", true},
          {"initializer_range", 0.08},  // about width^-0.5; 0.02 is for wide models and learns slowly here
          {"use_cache", true},
          {"bos_token_id", special_id(vocabulary, kBos)},
          {"eos_token_id", special_id(vocabulary, kEnd)},
          {"pad_token_id", special_id(vocabulary, kPad)},
          {"torch_dtype", "float32"}};
}

Json demo_tokenizer_config(const DemoModelOptions& options) {
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"bos_token", kBos},
          {"eos_token", kEnd},
          {"pad_token", kPad},
          {"unk_token", nullptr},
          {"additional_special_tokens", Json::array({kUser, kAssistant, kSystem})},
          {"model_max_length", options.max_position_embeddings},
          {"clean_up_tokenization_spaces", false},
          {"chat_template", demo_chat_template()}};
}

Json demo_generation_config(const BpeVocabulary& vocabulary) {
  return {{"do_sample", false},
          {"bos_token_id", special_id(vocabulary, kBos)},
          {"eos_token_id", special_id(vocabulary, kEnd)},
          {"pad_token_id", special_id(vocabulary, kPad)}};
}

}  // namespace caravan::data
