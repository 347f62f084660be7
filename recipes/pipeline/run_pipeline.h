// The stages of a pipeline, one after the other, each as a program of its own: what a stage leaks or breaks
// ends with it, and each can be run by hand with the words that are printed.
#pragma once

#include "recipes/read_recipe.h"

namespace caravan::recipes {

constexpr int kGateExitCode = 78;  // a gate stopped the pipeline

// Runs or goes on with the pipeline in run.dir: 0 done, 75 stopped, kGateExitCode, or the code with which a
// stage failed. Throws data::Error: a folder of something else (unsafe), a recipe that differs from the one
// the pipeline was begun with (usage), a hook that fails (internal).
int run_pipeline(const ReadPipelineRecipe& read, bool quiet);

}  // namespace caravan::recipes
