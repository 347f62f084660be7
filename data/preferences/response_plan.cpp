#include "data/preferences/response_plan.h"

#include "data/synthesis/request_seed.h"

namespace caravan::data {

std::vector<PlannedResponse> plan_responses(const ResponsePool& pool, std::string_view prompt_id) {
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^-53
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < pool.num_models; ++i)
    if (i != pool.on_policy) others.push_back(i);
  std::vector<std::size_t> models;
  const double at = static_cast<double>(request_seed(pool.seed, {"policy", prompt_id}) >> 11) * kUnit;
  if (pool.on_policy && (others.empty() || at < pool.on_policy_share)) models.push_back(*pool.on_policy);
  if (others.empty()) others.push_back(*pool.on_policy);
  for (std::size_t round = 0; models.size() < pool.per_prompt; ++round) {
    const std::uint64_t seed = request_seed(pool.seed, {"models", prompt_id, std::to_string(round)});
    for (const std::size_t i : shuffled_order(others.size(), seed))
      if (models.size() < pool.per_prompt) models.push_back(others[i]);
  }
  std::vector<std::size_t> uses(pool.num_models, 0);
  std::vector<PlannedResponse> planned;
  for (const std::size_t i : shuffled_order(models.size(), request_seed(pool.seed, {"order", prompt_id})))
    planned.push_back({models[i], uses[models[i]]++});
  return planned;
}

}  // namespace caravan::data
