// The tasks of a pipeline's stages, read before the first stage runs: what is wrong with one is told at once,
// not after hours of training.
#pragma once

#include "recipes/pipeline/pipeline_recipe.h"

namespace caravan::recipes {

// Reads the items of each task that does not wait for what a stage makes: files that a stage's folder holds,
// and absent ones where a command runs before, which may make them. Throws data::Error that begins with the
// stage: files missing or damaged, rows that no template fits, a task none of whose items can be asked.
void require_task_items(const PipelineRecipe& recipe);

}  // namespace caravan::recipes
