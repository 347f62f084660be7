#include "recipes/pipeline/check_pipeline.h"

#include "data/error.h"
#include "recipes/pipeline/stage_words.h"

namespace caravan::recipes {
namespace {

using data::Error;

// For its errors.
void read_stage(const std::string& path, const std::string& kind, const std::vector<std::string>& overrides) {
  if (kind == "data")
    read_data_recipe(path, overrides);
  else if (kind == "synthesize")
    read_synthesis_recipe(path, overrides);
  else if (kind == "prefer")
    read_preference_recipe(path, overrides);
  else if (kind == "release")
    read_release_recipe(path, overrides);
  else if (kind == "stages")
    throw Error(Error::Kind::kUsage, path + ": has stages of its own; a stage is a recipe of one");
  else
    read_recipe(path, overrides);
}

void check_release_stage(const PipelineStage& stage) {
  if (!stage.tasks.empty())
    throw Error(Error::Kind::kUsage,
                "stage " + stage.name +
                    ": tasks of a release are named in evaluation.tasks of its recipe, so "
                    "that its card has the scores; remove tasks");
  if (stage.ranks > 1 || !stage.launcher.empty())
    throw Error(Error::Kind::kUsage,
                "stage " + stage.name + ": a release is one process; remove ranks and launcher");
}

// What a stage gives to its recipe comes in as from a command line, which the user never typed.
RecipeError named_for(const std::string& stage, const RecipeError& error) {
  std::vector<Problem> problems = error.problems();
  for (Problem& problem : problems)
    if (problem.where.on_command_line)
      problem.where.origin.replace(0, problem.where.origin.find(':'), "stage " + stage + ", with");
  return RecipeError(std::move(problems));
}

}  // namespace

bool makes_rows(const std::string& kind) {
  return kind == "data" || kind == "synthesize" || kind == "prefer";
}

void check_pipeline(const ReadPipelineRecipe& read) {
  const PipelineRecipe& recipe = read.recipe;
  std::map<std::string, StagePlace> places;
  const FindStage find = [&](const std::string& name) {
    const auto found = places.find(name);
    if (found == places.end())
      throw Error(Error::Kind::kUsage, "{" + name + ". ...}: no earlier stage has this name");
    return found->second;
  };
  for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
    const PipelineStage& stage = recipe.stages[i];
    const std::string kind = stage.recipe.empty() ? "" : recipe_stage(stage.recipe);
    const std::string dir = recipe.run.dir + "/" + std::to_string(i + 1) + "-" + stage.name;
    for (const std::string& word : stage.command) fill_in(word, recipe.run.dir, find);
    if (kind == "release") check_release_stage(stage);
    if (!stage.recipe.empty()) {
      const std::vector<std::string> overrides = stage_overrides(stage, kind, {}, dir, recipe.run.dir, find);
      try {
        read_stage(stage.recipe, kind, overrides);
      } catch (const RecipeError& error) {
        throw named_for(stage.name, error);
      }
    }
    places[stage.name] = {dir, makes_rows(kind)};
  }
}

}  // namespace caravan::recipes
