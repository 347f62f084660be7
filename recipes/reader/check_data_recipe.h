// Rules between the keys of a recipe of `stage: data`, as check_recipe has them for the others.
#pragma once

#include "recipes/curation/data_recipe.h"
#include "recipes/reader/read_state.h"

namespace caravan::recipes {

// Reports into `state`. What a mix may ask for is checked by data/mixing, when the recipe is run or
// validated.
void check_data_recipe(const DataRecipe& recipe, ReadState& state);

}  // namespace caravan::recipes
