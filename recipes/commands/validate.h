// `caravan validate RECIPE.yaml [key=value ...]`: every error of a recipe at once, before anything is loaded.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

// 0 and "RECIPE is valid" with the notes on stdout; throws RecipeError or data::Error for main to print.
int run_validate(std::span<const std::string> args);

}  // namespace caravan::recipes
