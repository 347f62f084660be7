#include "models/llama/parameter_shapes.h"

namespace caravan::models {

namespace {

void append_attention(const LlamaConfig& c, const std::string& layer, std::vector<TensorShape>& shapes) {
  const std::string prefix = layer + "self_attn.";
  const std::int64_t q_width = c.num_attention_heads * c.head_dim;
  const std::int64_t kv_width = c.num_key_value_heads * c.head_dim;
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in, bool bias) {
    shapes.push_back({prefix + name + ".weight", {out, in}});
    if (bias) shapes.push_back({prefix + name + ".bias", {out}});
  };
  linear("q_proj", q_width, c.hidden_size, c.qkv_bias());
  linear("k_proj", kv_width, c.hidden_size, c.qkv_bias());
  linear("v_proj", kv_width, c.hidden_size, c.qkv_bias());
  linear("o_proj", c.hidden_size, q_width, c.o_bias());
  if (c.qk_norm() != QkNorm::kNone) {
    const bool per_head = c.qk_norm() == QkNorm::kPerHead;
    shapes.push_back({prefix + "q_norm.weight", {per_head ? c.head_dim : q_width}});
    shapes.push_back({prefix + "k_norm.weight", {per_head ? c.head_dim : kv_width}});
  }
}

void append_mlp(const LlamaConfig& c, const std::string& layer, std::vector<TensorShape>& shapes) {
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    shapes.push_back({layer + "mlp." + name + ".weight", {out, in}});
    if (c.mlp_bias) shapes.push_back({layer + "mlp." + name + ".bias", {out}});
  };
  linear("gate_proj", c.intermediate_size, c.hidden_size);
  linear("up_proj", c.intermediate_size, c.hidden_size);
  linear("down_proj", c.hidden_size, c.intermediate_size);
}

}  // namespace

std::vector<TensorShape> llama_parameter_shapes(const LlamaConfig& c) {
  const bool pre = c.norm_placement() == NormPlacement::kPre;
  std::vector<TensorShape> shapes{{"model.embed_tokens.weight", {c.vocab_size, c.hidden_size}}};
  for (std::int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    const TensorShape attention_norm{
        layer + (pre ? "input_layernorm.weight" : "post_attention_layernorm.weight"), {c.hidden_size}};
    const TensorShape mlp_norm{
        layer + (pre ? "post_attention_layernorm.weight" : "post_feedforward_layernorm.weight"),
        {c.hidden_size}};
    if (pre) shapes.push_back(attention_norm);
    append_attention(c, layer, shapes);
    shapes.push_back(pre ? mlp_norm : attention_norm);
    append_mlp(c, layer, shapes);
    if (!pre) shapes.push_back(mlp_norm);
  }
  shapes.push_back({"model.norm.weight", {c.hidden_size}});
  if (!c.tie_word_embeddings) shapes.push_back({std::string(c.head_name()), {c.head_rows(), c.hidden_size}});
  return shapes;
}

}  // namespace caravan::models
