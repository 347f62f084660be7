#include "recipes/reader/check_model_recipes.h"

#include <algorithm>

#include "recipes/reader/check_data_recipe.h"

namespace caravan::recipes {
namespace {

void without_tasks(const AskedTasks& asked, const std::string& section, ReadState& state) {
  if (!asked.tasks.empty()) return;
  for (const char* key : {"task_data", "max_items", "set"})
    if (state.is_given(section + key))
      state.report(state.where(section + key), section + key + " has no effect without " + section + "tasks");
}

}  // namespace

void check_evaluation_recipe(const EvaluationRecipe& recipe, ReadState& state) {
  check_plain_names(names_of(recipe.models), "models", state);
  for (std::size_t i = 0; i < recipe.models.size(); ++i)
    // Folders and files of run.dir itself.
    for (const char* taken : {"recipe.yaml", "results.json", ".", ".."})
      if (recipe.models[i].name == taken)
        state.report(state.where("models[" + std::to_string(i) + "].name"),
                     "models[" + std::to_string(i) + "].name: found \"" + taken +
                         "\", which stands for something else in run.dir; choose another");
  if (recipe.asked.tasks.empty() && !state.has_failed("tasks"))
    state.report(state.where("tasks"), "tasks is missing: what the models are asked, as in [gsm8k, mmlu]");
}

void check_release_recipe(const ReleaseRecipe& recipe, ReadState& state) {
  without_tasks(recipe.evaluation, "evaluation.", state);
  const bool is_plain = std::ranges::all_of(recipe.card.license, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  if (!is_plain)
    state.report(state.where("card.license"),
                 "card.license: found \"" + recipe.card.license +
                     "\"; allowed: an identifier of lower-case letters, as in apache-2.0, llama3.1, other");
}

}  // namespace caravan::recipes
