#include "models/generation/generation_config.h"

#include <filesystem>

#include "models/weights/json_fields.h"
#include "models/weights/strict_json.h"

namespace caravan::models {

GenerationConfig read_generation_config(const std::string& directory) {
  constexpr std::int64_t kMaxTokens = std::int64_t{1} << 40;
  constexpr std::int64_t kMaxIds = 1 << 26;
  const std::string path = (std::filesystem::path(directory) / "generation_config.json").string();
  std::error_code ignored;
  GenerationConfig config;
  if (std::filesystem::symlink_status(path, ignored).type() == std::filesystem::file_type::not_found)
    return config;
  const nlohmann::json json = read_json_object(path);
  JsonFields fields(json);
  config.bos_token_id = fields.integer("bos_token_id", 0, kMaxIds);
  const auto pad = fields.integer("pad_token_id", -1, kMaxIds);
  if (pad && *pad >= 0) config.pad_token_id = pad;  // -1 is an old way to say "none"
  config.eos_token_id = fields.integer_or_list("eos_token_id", 0, kMaxIds);
  config.do_sample = fields.boolean("do_sample");
  config.temperature = fields.number("temperature", 0.0, 1e6);
  config.top_k = fields.integer("top_k", 0, kMaxIds);
  config.top_p = fields.number("top_p", 0.0, 1.0);
  config.min_p = fields.number("min_p", 0.0, 1.0);
  config.repetition_penalty = fields.number("repetition_penalty", 1e-6, 1e6);
  config.max_new_tokens = fields.integer("max_new_tokens", 1, kMaxTokens);
  throw_problems(path, fields.problems());
  return config;
}

}  // namespace caravan::models
