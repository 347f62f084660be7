#include "recipes/stages/rollout_prompts.h"

#include <utility>

#include "trainer/error.h"
#include "trainer/rollout/rollout_source.h"

namespace caravan::recipes {

data::PromptSet open_prompts(const Recipe& recipe, const TextFront& front, std::function<bool()> cancelled) {
  data::PromptOptions options;
  options.longest = recipe.data.max_length - recipe.rollout.max_new_tokens;
  options.has_verifiers = recipe.reward.has_verifiers();
  if (options.has_verifiers) options.verifier = recipe.reward.verifier;
  options.keep_messages = recipe.reward_model.is_there() || recipe.judge.is_there();
  options.seed = recipe.run.seed;
  options.variables = front.variables;
  options.cancelled = std::move(cancelled);
  return data::PromptSet::open(recipe.data, *front.tokenizer, *front.chat_template, options);
}

std::int64_t rollout_steps(const Recipe& recipe, std::size_t prompts) {
  const std::int64_t steps = trainer::steps_of_rollout(recipe.rollout, *recipe.batch.sequences);
  if (recipe.run.max_steps) return *recipe.run.max_steps;
  const std::int64_t rollouts =
      *recipe.run.epochs * static_cast<std::int64_t>(prompts) / recipe.rollout.prompts;
  if (rollouts > 0) return rollouts * steps;
  throw trainer::Error(trainer::Error::Kind::kData,
                       "rollout.prompts is " + std::to_string(recipe.rollout.prompts) + " and " +
                           std::to_string(*recipe.run.epochs) + " epochs have " + std::to_string(prompts) +
                           " prompts each: not one rollout; lower it, or raise run.epochs");
}

}  // namespace caravan::recipes
