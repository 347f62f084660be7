// Commands that run a recipe of `stage: data`, or of several stages, in this program, and any other
// elsewhere.
#pragma once

#include <span>
#include <string>

#include "recipes/curation/embedder_source.h"

namespace caravan::recipes {

// `caravan data run RECIPE.yaml`. With the measure embedding this program becomes the engine.
int run_data_recipe_command(std::span<const std::string> args);
int run_data_recipe_with(std::span<const std::string> args, MakeEmbedder make_embedder);
// `caravan train`: rows and pipelines are the work of this program, with any other recipe it becomes the
// engine.
int run_train_by_stage(std::span<const std::string> args);
// `caravan validate`.
int run_validate_by_stage(std::span<const std::string> args);

}  // namespace caravan::recipes
