// `caravan synthesize FILE.yaml` and `caravan prefer FILE.yaml`.
//
// Both run in the program that starts at once where all models are behind endpoints; a recipe with a
// checkpoint becomes caravan_engine, which passes the function that loads one.
#pragma once

#include <span>
#include <string>

#include "recipes/preferences/score_rows.h"
#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

int run_synthesize(std::span<const std::string> args);
int run_prefer(std::span<const std::string> args);
// The same where checkpoints can be loaded.
int run_synthesize_with(std::span<const std::string> args, MakeLocalModel make_local);
int run_prefer_with(std::span<const std::string> args, MakeLocalModel make_local,
                    MakeRewardModel make_reward_model);
// `caravan validate` of such a recipe.
int validate_rows_recipe(const std::string& stage, const std::string& path,
                         std::span<const std::string> overrides, bool files, bool resolved);

}  // namespace caravan::recipes
