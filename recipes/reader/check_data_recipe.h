// Rules between the keys of a recipe of `stage: data`, as check_recipe has them for the others.
#pragma once

#include <string>
#include <vector>

#include "recipes/curation/data_recipe.h"
#include "recipes/reader/read_state.h"

namespace caravan::recipes {

// Reports into `state`. What a mix may ask for is checked by data/mixing, when the recipe is run or
// validated.
void check_data_recipe(const DataRecipe& recipe, ReadState& state);

// Rules that other recipes share. Names become file names and stand in reports: each once, letters, digits,
// _ - and . alone.
void check_plain_names(const std::vector<std::string>& names, const std::string& list, ReadState& state);
void check_deduplicate(const DeduplicateOptions& options, ReadState& state);
template <class Named>
std::vector<std::string> names_of(const std::vector<Named>& list) {
  std::vector<std::string> names;
  for (const Named& named : list) names.push_back(named.name);
  return names;
}

}  // namespace caravan::recipes
