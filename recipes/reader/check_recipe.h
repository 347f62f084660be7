// Rules between the keys of a recipe: what excludes, needs or bounds what. One function for each rule, so
// that a rule can be found.
#pragma once

#include "recipes/reader/read_state.h"
#include "recipes/recipe.h"

namespace caravan::recipes {

// Reports into `state`. Rules about keys that could not be read are passed over. Fills what is computed from
// other keys.
void check_recipe(Recipe& recipe, ReadState& state);

}  // namespace caravan::recipes
