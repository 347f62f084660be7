// Runs a recipe of `stage: data`: convert each source, then filter, deduplicate, decontaminate and mix all of
// them.
//
// State that survives a stop: run.dir (CurationSteps). A recipe that was changed does again only the steps
// that the change reaches.
#pragma once

#include "recipes/curation/embedder_source.h"
#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Returns the exit code. Throws RecipeError and data::Error: nothing is written where the recipe or its files
// are not in order. `make_embedder` matters where the measure is embedding.
int run_data_recipe(const ReadDataRecipe& read, bool quiet, MakeEmbedder make_embedder = nullptr);

}  // namespace caravan::recipes
