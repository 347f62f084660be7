// What can be said of a pipeline before any of it runs.
#pragma once

#include <string>

#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Whether a recipe of this stage, as recipe_stage names it, makes a file of rows, and no model.
bool makes_rows(const std::string& kind);

// Reads the recipe of every stage, with what its run would change. Throws RecipeError and data::Error.
void check_pipeline(const ReadPipelineRecipe& read);

}  // namespace caravan::recipes
