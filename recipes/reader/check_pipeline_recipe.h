// Rules between the keys of a recipe of several stages.
#pragma once

#include "recipes/pipeline/pipeline_recipe.h"
#include "recipes/reader/read_state.h"

namespace caravan::recipes {

// Reports into `state`. What the recipes of the stages say is checked when the pipeline is run or validated.
void check_pipeline_recipe(const PipelineRecipe& recipe, ReadState& state);

}  // namespace caravan::recipes
