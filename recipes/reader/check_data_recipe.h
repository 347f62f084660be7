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
// `plain`: what the section is in a recipe that does not name it.
void check_deduplicate(const DeduplicateOptions& options, const DeduplicateOptions& plain, ReadState& state);
// Reports a key that was given in vain. A resolved recipe writes defaults out, so only a value that differs
// from them is a mistake.
void without_effect(const std::string& key, bool differs, const std::string& where, ReadState& state);
template <class Named>
std::vector<std::string> names_of(const std::vector<Named>& list) {
  std::vector<std::string> names;
  for (const Named& named : list) names.push_back(named.name);
  return names;
}

}  // namespace caravan::recipes
