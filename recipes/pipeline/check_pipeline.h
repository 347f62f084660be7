// What can be said of a pipeline before any of it runs.
#pragma once

#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Reads the recipe of every stage, with what its run would change and with what a gate would when it goes
// back to it, its tasks, and all that stands in braces. Throws RecipeError with every problem, data::Error: a
// file that cannot be read, a task of the unseen suite without --release (unsafe).
void check_pipeline(const ReadPipelineRecipe& read);

}  // namespace caravan::recipes
