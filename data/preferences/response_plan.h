// Which models of a pool answer a prompt, in which order their answers stand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

struct ResponsePool {
  std::size_t num_models = 0;
  std::size_t per_prompt = 4;
  std::optional<std::size_t> on_policy = {};  // one of the models
  double on_policy_share = 1.0;               // of the prompts, that it answers once
  std::uint64_t seed = 0;
};

struct PlannedResponse {
  std::size_t model = 0;
  std::size_t draw = 0;  // how often the model answered the prompt before
  bool operator==(const PlannedResponse&) const = default;
};

// A function of seed and id alone. Models are drawn without one being drawn twice until all were (so a pool
// of one answers per_prompt times); with an on-policy model, its prompts get exactly one answer of it as long
// as there are others, and the rest of the prompts none.
std::vector<PlannedResponse> plan_responses(const ResponsePool& pool, std::string_view prompt_id);

}  // namespace caravan::data
