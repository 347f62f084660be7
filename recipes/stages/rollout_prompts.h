// The prompts of a stage that samples, and how many steps they make.
#pragma once

#include <cstdint>
#include <functional>

#include "data/loader/prompt_set.h"
#include "recipes/recipe.h"
#include "recipes/text_front.h"

namespace caravan::recipes {

// `cancelled` is asked while rows are read. Throws as data::PromptSet.
data::PromptSet open_prompts(const Recipe& recipe, const TextFront& front, std::function<bool()> cancelled);

// Throws trainer::Error (data) where the run would have no step.
std::int64_t rollout_steps(const Recipe& recipe, std::size_t prompts);

}  // namespace caravan::recipes
