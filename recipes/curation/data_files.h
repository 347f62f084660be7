// What can be said of a recipe of `stage: data` before a row is read: files, layouts, and what the mix asks.
#pragma once

#include <string>
#include <vector>

#include "data/decontamination/read_eval_items.h"
#include "data/mixing/mix_plan.h"
#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Throws data::Error: every file that is missing, with where it is published, in one message (65); a layout
// that does not exist, an evaluation set that is trained on, a mix that cannot be (usage).
void check_data_files(const ReadDataRecipe& read);

// As the mix and the search take them.
std::vector<data::MixPart> mix_parts(const DataRecipe& recipe);
std::vector<data::EvalSource> eval_sources(const DataRecipe& recipe);
// What the vectors of decontaminate.embedder depend on; none where it is not named.
std::vector<std::string> embedder_files(const DataRecipe& recipe);

}  // namespace caravan::recipes
