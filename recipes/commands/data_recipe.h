// Commands that take a recipe of `stage: data` here, and any other recipe elsewhere.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

// `caravan data run RECIPE.yaml`.
int run_data_recipe_command(std::span<const std::string> args);
// `caravan train`: a data recipe runs in this program, any other becomes the engine.
int run_train_by_stage(std::span<const std::string> args);
// `caravan validate`.
int run_validate_by_stage(std::span<const std::string> args);

}  // namespace caravan::recipes
