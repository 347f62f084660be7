// Rules between the keys of recipes of `stage: synthesize` and `stage: prefer`. All report into `state`.
#pragma once

#include "recipes/preferences/preference_recipe.h"
#include "recipes/reader/read_state.h"
#include "recipes/synthesis/synthesis_recipe.h"

namespace caravan::recipes {

void check_synthesis_recipe(const SynthesisRecipe& recipe, ReadState& state);
// The models of a data recipe, which asks endpoints alone, and its step rewrite.
void check_rewrite(const DataRecipe& recipe, ReadState& state);
void check_preference_recipe(const PreferenceRecipe& recipe, ReadState& state);

}  // namespace caravan::recipes
