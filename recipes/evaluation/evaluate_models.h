// A recipe of `stage: evaluate`: the same items asked of every model, and one table of them all.
#pragma once

#include <ostream>

#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Under run.dir: recipe.yaml, results.json and NAME/ of each model. The table goes to `out`. Stopped, the
// same recipe goes on. Throws as evaluate_model and read_tasks do, data::Error (unsafe): a task of the unseen
// suite without `release`, a folder of something else.
void evaluate_models(const ReadEvaluationRecipe& read, bool quiet, std::ostream& out);

}  // namespace caravan::recipes
