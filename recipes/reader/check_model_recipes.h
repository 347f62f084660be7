// Rules between the keys of recipes of `stage: evaluate` and `stage: release`. Both report into `state`.
#pragma once

#include "recipes/evaluation/evaluation_recipe.h"
#include "recipes/reader/read_state.h"
#include "recipes/release/release_recipe.h"

namespace caravan::recipes {

void check_evaluation_recipe(const EvaluationRecipe& recipe, ReadState& state);
void check_release_recipe(const ReleaseRecipe& recipe, ReadState& state);

}  // namespace caravan::recipes
