// A reward model's checkpoint that a recipe names as the one that scores.
#pragma once

#include <memory>

#include "recipes/preferences/score_rows.h"

namespace caravan::recipes {

// Reads weights, tokenizer and template. Throws models::Error, data::Error, trainer::Error.
std::unique_ptr<data::ModelScorer> make_reward_model(const RewardModelSection& section);

}  // namespace caravan::recipes
