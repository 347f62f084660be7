// A recipe written out in full, and what two recipes differ in: what a run keeps beside its results, and what
// it checks at resume.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/evaluation/task_options.h"
#include "recipes/curation/data_recipe.h"
#include "recipes/evaluation/evaluation_recipe.h"
#include "recipes/pipeline/pipeline_recipe.h"
#include "recipes/preferences/preference_recipe.h"
#include "recipes/recipe.h"
#include "recipes/release/release_recipe.h"
#include "recipes/synthesis/synthesis_recipe.h"

namespace caravan::recipes {

// YAML with every key that has a value, defaults included and paths absolute. read_recipe_text gives an equal
// Recipe back, whatever the folder.
std::string resolved_yaml(const Recipe& recipe);
std::string resolved_yaml(const DataRecipe& recipe);
std::string resolved_yaml(const PipelineRecipe& recipe);
std::string resolved_yaml(const data::TaskOptions& task);
std::string resolved_yaml(const SynthesisRecipe& recipe);
std::string resolved_yaml(const PreferenceRecipe& recipe);
std::string resolved_yaml(const EvaluationRecipe& recipe);
std::string resolved_yaml(const ReleaseRecipe& recipe);

struct RecipeChange {
  std::string key;     // "optimizer.learning_rate"
  std::string before;  // as a recipe writes it; empty: not set
  std::string after;
  bool free_at_resume = false;  // a run may go on with it changed
};

// In the order of the fields; keys of list elements that only one of the two has come last.
std::vector<RecipeChange> recipe_difference(const Recipe& before, const Recipe& after);
std::vector<RecipeChange> recipe_difference(const PipelineRecipe& before, const PipelineRecipe& after);

// The changes that a resumed run must not have.
std::vector<RecipeChange> breaking_changes(std::span<const RecipeChange> changes);

// One line each: "optimizer.learning_rate: 1e-05 -> 2e-05".
std::string difference_text(std::span<const RecipeChange> changes);

}  // namespace caravan::recipes
