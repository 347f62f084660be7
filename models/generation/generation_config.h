// generation_config.json: how a checkpoint wants to be sampled, as far as we sample. Free of LibTorch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace caravan::models {

// Nothing = the file does not say.
struct GenerationConfig {
  std::optional<std::int64_t> bos_token_id;
  std::optional<std::int64_t> pad_token_id;
  std::vector<std::int64_t> eos_token_id;  // any of them ends a text
  std::optional<bool> do_sample;
  std::optional<double> temperature;
  std::optional<std::int64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<std::int64_t> max_new_tokens;
  bool operator==(const GenerationConfig&) const = default;
};

// Reads DIRECTORY/generation_config.json; an absent file gives an empty config. Throws Error (65) with key,
// value and what is allowed, Error (74) where the file is there and cannot be read.
GenerationConfig read_generation_config(const std::string& directory);

}  // namespace caravan::models
