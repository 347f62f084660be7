#include "models/llama/llama.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "models/device.h"
#include "models/error.h"
#include "models/llama/random_init.h"
#include "models/ops/gemm.h"

namespace caravan::models {

namespace {

std::string layer_name(std::int64_t layer, const std::string& rest) {
  return "model.layers." + std::to_string(layer) + "." + rest;
}

using Group = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

}  // namespace

Llama::Llama(LlamaConfig config, at::ScalarType dtype, const at::Device& device, const UnitMemory& memory)
    : config_(std::move(config)), dtype_(dtype), device_(device) {
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16, "model dtype ", dtype,
              " is not supported; use fp32 or bf16");
  if (!device.is_cpu()) require_exact_products();
  norm_ = {static_cast<float>(config_.rms_norm_eps), config_.norm_rounds_before_weight()};
  rope_ = rope_inverse_frequencies(config_);
  make_units();
  for (FlatUnit& unit : units_) {
    unit.pad_to(memory.multiple);
    unit.allocate(dtype_, device_);
    if (!memory.whole) unit.release_values();
  }
  bind();
}

void Llama::make_units() {
  const std::int64_t D = config_.hidden_size, F = config_.intermediate_size, E = config_.head_dim;
  const std::int64_t q = config_.num_attention_heads * E, kv = config_.num_key_value_heads * E;
  units_.emplace_back("embed_tokens").add_group({{"model.embed_tokens.weight", {config_.vocab_size, D}}});
  for (std::int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
    FlatUnit& unit = units_.emplace_back("layers." + std::to_string(layer));
    const auto add = [&](const Group& group) {
      Group named;
      for (const auto& [name, shape] : group) named.emplace_back(layer_name(layer, name), shape);
      unit.add_group(named);
    };
    if (config_.norm_placement() == NormPlacement::kPre) add({{"input_layernorm.weight", {D}}});
    add({{"self_attn.q_proj.weight", {q, D}},
         {"self_attn.k_proj.weight", {kv, D}},
         {"self_attn.v_proj.weight", {kv, D}}});
    if (config_.qkv_bias())
      add({{"self_attn.q_proj.bias", {q}}, {"self_attn.k_proj.bias", {kv}}, {"self_attn.v_proj.bias", {kv}}});
    if (config_.qk_norm() == QkNorm::kPerHead)
      add({{"self_attn.q_norm.weight", {E}}, {"self_attn.k_norm.weight", {E}}});
    if (config_.qk_norm() == QkNorm::kFullWidth)
      add({{"self_attn.q_norm.weight", {q}}, {"self_attn.k_norm.weight", {kv}}});
    add({{"self_attn.o_proj.weight", {D, q}}});
    if (config_.o_bias()) add({{"self_attn.o_proj.bias", {D}}});
    add({{"post_attention_layernorm.weight", {D}}});
    add({{"mlp.gate_proj.weight", {F, D}}, {"mlp.up_proj.weight", {F, D}}});
    if (config_.mlp_bias) add({{"mlp.gate_proj.bias", {F}}, {"mlp.up_proj.bias", {F}}});
    add({{"mlp.down_proj.weight", {D, F}}});
    if (config_.mlp_bias) add({{"mlp.down_proj.bias", {D}}});
    if (config_.norm_placement() == NormPlacement::kPost) add({{"post_feedforward_layernorm.weight", {D}}});
  }
  FlatUnit& head = units_.emplace_back("head");
  head.add_group({{"model.norm.weight", {D}}});
  if (!config_.tie_word_embeddings)
    head.add_group({{std::string(config_.head_name()), {config_.head_rows(), D}}});
}

Llama::Block Llama::bind_block(std::int64_t layer) const {
  const FlatUnit& unit = units_[static_cast<std::size_t>(layer) + 1];
  const std::int64_t D = config_.hidden_size, F = config_.intermediate_size, E = config_.head_dim;
  const std::int64_t qkv = (config_.num_attention_heads + 2 * config_.num_key_value_heads) * E;
  const auto at = [&](const char* name) { return unit.parameter(layer_name(layer, name)); };
  const auto fused = [&](const char* first, std::int64_t rows, std::int64_t columns) {
    return unit.fused(layer_name(layer, first), rows, columns);
  };
  return {at("input_layernorm.weight"),
          fused("self_attn.q_proj.weight", qkv, D),
          fused("self_attn.q_proj.bias", qkv, 0),
          at("self_attn.q_norm.weight"),
          at("self_attn.k_norm.weight"),
          at("self_attn.o_proj.weight"),
          at("self_attn.o_proj.bias"),
          at("post_attention_layernorm.weight"),
          fused("mlp.gate_proj.weight", 2 * F, D),
          fused("mlp.gate_proj.bias", 2 * F, 0),
          at("mlp.down_proj.weight"),
          at("mlp.down_proj.bias"),
          at("post_feedforward_layernorm.weight")};
}

void Llama::bind() {
  blocks_.clear();
  for (std::int64_t layer = 0; layer < config_.num_hidden_layers; ++layer)
    blocks_.push_back(bind_block(layer));
  embedding_ = units_.front().parameter("model.embed_tokens.weight");
  final_norm_ = units_.back().parameter("model.norm.weight");
  head_ =
      config_.tie_word_embeddings ? embedding_ : units_.back().parameter(std::string(config_.head_name()));
}

std::int64_t Llama::num_parameters() const {
  std::int64_t count = 0;
  for (const FlatUnit& unit : units_)
    for (const Slot& slot : unit.slots()) count += slot.count;
  return count;
}

void Llama::allocate_gradients(at::ScalarType dtype, bool with_memory) {
  for (FlatUnit& unit : units_) {
    unit.allocate_gradients(dtype);
    if (!with_memory) unit.release_gradients();
  }
  bind();
}

void Llama::load(const HfDirectory& directory) {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) load_unit(unit, directory);
}

void Llama::load_unit(std::size_t unit, const HfDirectory& directory) {
  at::NoGradGuard no_grad;
  for (const Slot& slot : units_[unit].slots()) {
    // A language model that is to become a reward model has no head of scores yet.
    const bool absent =
        slot.name == config_.head_name() && config_.num_labels > 0 && !directory.contains(slot.name);
    if (!absent) units_[unit].value(slot).copy_(directory.tensor(slot.name));
  }
}

void Llama::initialize_scores(std::uint64_t seed) {
  at::NoGradGuard no_grad;
  const double deviation = 1.0 / std::sqrt(static_cast<double>(config_.hidden_size) + 1.0);
  for (const Slot& slot : units_.back().slots())
    if (slot.name == config_.head_name())
      units_.back().value(slot).copy_(normal_values(seed, slot.name, slot.count, deviation).view(slot.shape));
}

void Llama::initialize(std::uint64_t seed) {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) initialize_unit(unit, seed);
}

void Llama::initialize_unit(std::size_t unit, std::uint64_t seed) {
  at::NoGradGuard no_grad;
  for (const Slot& slot : units_[unit].slots()) {
    at::Tensor value = units_[unit].value(slot);
    if (slot.shape.size() > 1)
      value.copy_(normal_values(seed, slot.name, slot.count, config_.initializer_range).view(slot.shape));
    else
      value.fill_(slot.name.ends_with(".bias") ? 0.0 : 1.0);
  }
}

std::shared_ptr<const AttentionContext> Llama::context(PackedLayout layout) {
  std::int64_t needed = 0;
  for (const std::int32_t position : layout.positions) needed = std::max<std::int64_t>(needed, position + 1);
  if (needed > config_.max_position_embeddings)
    throw Error(Error::Kind::kData,
                "a document reaches position " + std::to_string(needed - 1) +
                    ", but max_position_embeddings is " + std::to_string(config_.max_position_embeddings) +
                    "; shorten documents (data.max_length) or change config.json of the model");
  if (!rotary_.cos.defined() || rotary_.cos.size(0) < needed) {
    // Grown in powers of two, so that a run of growing lengths makes few tables.
    std::int64_t size = 1024;
    while (size < needed) size *= 2;
    rotary_ = make_rotary_table(rope_.inv_freq, rope_.attention_scaling, size,
                                config_.rope_in_float32() ? at::kFloat : dtype_, device_);
  }
  auto context = std::make_shared<AttentionContext>();
  if (!device_.is_cpu()) {
    layout.positions_T = device_copy<std::int64_t>(layout.positions, device_);
    layout.doc_starts_N = device_copy<std::int32_t>(layout.doc_starts, device_);
  }
  context->layout = std::move(layout);
  context->rotary = rotary_;
  return context;
}

at::Tensor Llama::embed(const at::Tensor& ids_T) const {
  return embedding_.value.index_select(0, ids_T);
}

void Llama::embed_backward(const at::Tensor& ids_T, const at::Tensor& d_hidden_TD) {
  at::Tensor gradient = embedding_.gradient;
  if (gradient.defined()) add_rows_(gradient, ids_T, d_hidden_TD);
}

AttentionOptions Llama::attention_options(std::int64_t layer) const {
  return {config_.num_attention_heads, config_.num_key_value_heads, config_.head_dim,
          config_.window_of_layer(layer), 1.0f / std::sqrt(static_cast<float>(config_.head_dim))};
}

at::Tensor Llama::project_qkv(std::int64_t layer, const at::Tensor& hidden_TD) const {
  const Block& b = blocks_[static_cast<std::size_t>(layer)];
  at::Tensor qkv_TC = config_.norm_placement() == NormPlacement::kPre
                          ? norm_linear(hidden_TD, b.input_norm, norm_, b.qkv, b.qkv_bias)
                          : linear(hidden_TD, b.qkv, b.qkv_bias);
  return b.q_norm.value.defined() ? qk_norm(qkv_TC, b.q_norm, b.k_norm, attention_options(layer), norm_)
                                  : qkv_TC;
}

at::Tensor Llama::finish_block(std::int64_t layer, const at::Tensor& hidden_TD,
                               const at::Tensor& attended_THE) const {
  const Block& b = blocks_[static_cast<std::size_t>(layer)];
  if (config_.norm_placement() == NormPlacement::kPre) {
    const at::Tensor middle_TD = linear(attended_THE, b.o, b.o_bias, hidden_TD);
    return swiglu_linear(norm_linear(middle_TD, b.post_attention_norm, norm_, b.gate_up, b.gate_up_bias),
                         b.down, b.down_bias, middle_TD);
  }
  const at::Tensor middle_TD =
      hidden_TD + norm(linear(attended_THE, b.o, b.o_bias), b.post_attention_norm, norm_);
  return middle_TD + norm(swiglu_linear(linear(middle_TD, b.gate_up, b.gate_up_bias), b.down, b.down_bias),
                          b.post_feedforward_norm, norm_);
}

at::Tensor Llama::block(std::int64_t layer, const at::Tensor& hidden_TD,
                        const std::shared_ptr<const AttentionContext>& context) const {
  const at::Tensor attended_THE =
      rotary_attention(project_qkv(layer, hidden_TD), context, attention_options(layer));
  return finish_block(layer, hidden_TD, attended_THE);
}

at::Tensor Llama::final_norm(const at::Tensor& hidden_TD) const {
  return norm(hidden_TD, final_norm_, norm_);
}

at::Tensor Llama::logits(const at::Tensor& hidden_TD) const {
  return matmul_nt(hidden_TD, head_.value);
}

at::Tensor Llama::logits_backward(const at::Tensor& d_logits_TV, const at::Tensor& hidden_TD) const {
  if (head_.gradient.defined()) {
    at::Tensor gradient = head_.gradient;
    accumulate_matmul_tn(gradient, d_logits_TV, hidden_TD);
  }
  return matmul_nn(d_logits_TV, head_.value);
}

}  // namespace caravan::models
