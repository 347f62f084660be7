// What can be said of a pipeline before any of it runs.
#pragma once

#include <string>

#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Whether a recipe of this stage, as recipe_stage names it, makes a file of rows, and no model.
bool makes_rows(const std::string& kind);

// Reads the recipe of every stage, with what its run would change and with what a gate would when it goes
// back to it, its tasks, and all that stands in braces. Throws RecipeError with every problem, data::Error: a
// file that cannot be read, a task of the unseen suite without --release (unsafe).
void check_pipeline(const ReadPipelineRecipe& read);

}  // namespace caravan::recipes
