#include "models/llama/config_rope.h"

#include <array>

#include "models/llama/config_limits.h"

namespace caravan::models {

using nlohmann::json;

namespace {

constexpr double kMaxTheta = 1e30;
constexpr double kMaxFactor = 1e6;

constexpr std::array kRopeTypes{RopeType::kDefault, RopeType::kLinear, RopeType::kLlama3, RopeType::kYarn};

RopeType read_type(JsonFields& rope, bool given) {
  const char* key = rope.has("rope_type") ? "rope_type" : "type";
  const std::optional<std::string> name = rope.text(key);
  rope.value("type");
  if (!name || !given) return RopeType::kDefault;
  for (const RopeType type : kRopeTypes) {
    if (rope_type_name(type) == *name) return type;
  }
  rope.refuse(key, "\"default\", \"linear\", \"llama3\", \"yarn\"");
  return RopeType::kDefault;
}

double required_number(JsonFields& rope, const std::string& key, RopeType type, double least, double most) {
  if (!rope.has(key)) rope.missing(key, "rope type " + std::string(rope_type_name(type)) + " needs it");
  return rope.number(key, least, most).value_or(least);
}

void read_parameters(JsonFields& fields, const LlamaConfig& config, RopeConfig& result) {
  if (result.type == RopeType::kDefault) return;
  result.factor = required_number(fields, "factor", result.type, 1.0, kMaxFactor);
  if (result.type == RopeType::kLinear) return;
  result.original_max_position_embeddings =
      fields.integer("original_max_position_embeddings", 1, kMaxPositions)
          .value_or(config.max_position_embeddings);
  if (result.type == RopeType::kLlama3) {
    result.low_freq_factor = required_number(fields, "low_freq_factor", result.type, 1e-6, kMaxFactor);
    result.high_freq_factor = required_number(fields, "high_freq_factor", result.type, 1e-6, kMaxFactor);
    return;
  }
  result.beta_fast = fields.number("beta_fast", 1e-6, kMaxFactor).value_or(32.0);
  result.beta_slow = fields.number("beta_slow", 1e-6, kMaxFactor).value_or(1.0);
  result.attention_factor = fields.number("attention_factor", 1e-6, kMaxFactor);
  result.mscale = fields.number("mscale", 0.0, kMaxFactor);
  result.mscale_all_dim = fields.number("mscale_all_dim", 0.0, kMaxFactor);
  result.truncate = fields.boolean("truncate").value_or(true);
}

}  // namespace

RopeConfig read_rope(JsonFields& fields, const LlamaConfig& config) {
  const json* scaling = fields.value("rope_scaling");
  const json* parameters = fields.value("rope_parameters");
  const bool old_style = scaling != nullptr && !(scaling->is_object() && scaling->empty());
  const std::string key = old_style ? "rope_scaling" : "rope_parameters";
  static const json kNone = json::object();
  const json* chosen = old_style ? scaling : parameters;
  if (chosen != nullptr && !chosen->is_object()) {
    fields.refuse(key, "null, or an object with rope_type");
    chosen = nullptr;
  }
  JsonFields rope(chosen != nullptr ? *chosen : kNone, key + ".");
  RopeConfig result;
  result.type = read_type(rope, chosen != nullptr);
  const std::optional<double> outer_theta = fields.number("rope_theta", 1.0, kMaxTheta);
  result.theta = rope.number("rope_theta", 1.0, kMaxTheta).value_or(outer_theta.value_or(10000.0));
  if (rope.number("partial_rotary_factor", 0.0, 1.0).value_or(1.0) != 1.0) {
    rope.refuse("partial_rotary_factor", "1, every part of a head is rotated");
  }
  read_parameters(rope, config, result);
  const json unread = rope.unread();
  for (const auto& [name, entry] : unread.items()) {
    if (entry.is_null() || !rope.problems().empty()) continue;
    rope.refuse(name, "none, it has no meaning with rope type " + std::string(rope_type_name(result.type)) +
                          ": remove it or correct the type");
  }
  for (const std::string& problem : rope.problems()) fields.note(problem);
  return result;
}

void write_rope(const RopeConfig& rope, json& target) {
  json inner = {{"rope_type", rope_type_name(rope.type)}};
  if (rope.type != RopeType::kDefault) inner["factor"] = rope.factor;
  if (rope.type == RopeType::kLlama3 || rope.type == RopeType::kYarn) {
    inner["original_max_position_embeddings"] = rope.original_max_position_embeddings;
  }
  if (rope.type == RopeType::kLlama3) {
    inner["low_freq_factor"] = rope.low_freq_factor;
    inner["high_freq_factor"] = rope.high_freq_factor;
  }
  if (rope.type == RopeType::kYarn) {
    const RopeConfig usual;
    if (rope.beta_fast != usual.beta_fast) inner["beta_fast"] = rope.beta_fast;
    if (rope.beta_slow != usual.beta_slow) inner["beta_slow"] = rope.beta_slow;
    if (rope.attention_factor) inner["attention_factor"] = *rope.attention_factor;
    if (rope.mscale) inner["mscale"] = *rope.mscale;
    if (rope.mscale_all_dim) inner["mscale_all_dim"] = *rope.mscale_all_dim;
    if (!rope.truncate) inner["truncate"] = false;
  }
  target["rope_theta"] = rope.theta;
  target["rope_scaling"] = rope.type == RopeType::kDefault ? json(nullptr) : inner;
  inner["rope_theta"] = rope.theta;
  target["rope_parameters"] = inner;
}

}  // namespace caravan::models
