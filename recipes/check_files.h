// Do the files that a recipe names exist? Looks at names only; what is in them is checked by the rooms that
// read them.
#pragma once

#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Throws RecipeError with one problem for each thing missing, at the place of its key: what was looked for,
// what to do. Whoever runs a recipe calls this before anything is loaded.
void require_files(const ReadRecipe& read);
// The same of the models that are asked, or released. A pipeline makes them before it comes to these stages.
void require_files(const ReadEvaluationRecipe& read);
void require_files(const ReadReleaseRecipe& read);

}  // namespace caravan::recipes
