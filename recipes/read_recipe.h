// From a YAML file and the words of a command line to a Recipe, or to every error at once.
//
// Goals: whatever does not mean exactly one thing is refused, with its place, what is allowed and what to
// write; the recipe returned is complete, in range and free of contradictions that can be seen without
// opening another file (check_files does that). Hostile files cost bounded time and memory. Non-goals:
// variables, includes, templates in YAML: a recipe says what it says.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/curation/data_recipe.h"
#include "recipes/evaluation/evaluation_recipe.h"
#include "recipes/pipeline/pipeline_recipe.h"
#include "recipes/preferences/preference_recipe.h"
#include "recipes/reader/problem.h"
#include "recipes/recipe.h"
#include "recipes/release/release_recipe.h"
#include "recipes/synthesis/synthesis_recipe.h"

namespace caravan::recipes {

struct ReadRecipe {
  Recipe recipe;
  std::vector<std::string>
      notes;   // aliases that were mapped, keys that the command line replaced; to be shown
  Where file;  // the recipe as the user named it
  std::map<std::string, Where, std::less<>> given;  // where each key was written, by full key
};

// `overrides`: key=value, each key once. Relative input paths start at the recipe's folder, or on the
// command line at the current one; output paths (run.dir, data.cache_dir) always at the current one. Throws
// RecipeError (exit code 2), or data::Error where there is no such file (2) or it cannot be read (74). Safe
// to call from several threads.
ReadRecipe read_recipe(const std::filesystem::path& path, std::span<const std::string> overrides = {});

// Its `stage`, `stages` where it has several; empty for a pipe, for what cannot be read (whoever reads it
// then says why), and where it names none.
std::string recipe_stage(const std::filesystem::path& path);

// A recipe of another kind, as read_recipe. Names of other frameworks are no keys here.
template <class Recipe>
struct ReadAs {
  Recipe recipe;
  Where file;
  std::map<std::string, Where, std::less<>> given;
};
using ReadDataRecipe = ReadAs<DataRecipe>;
using ReadSynthesisRecipe = ReadAs<SynthesisRecipe>;
using ReadPreferenceRecipe = ReadAs<PreferenceRecipe>;
using ReadPipelineRecipe = ReadAs<PipelineRecipe>;
using ReadEvaluationRecipe = ReadAs<EvaluationRecipe>;
using ReadReleaseRecipe = ReadAs<ReleaseRecipe>;

ReadDataRecipe read_data_recipe(const std::filesystem::path& path,
                                std::span<const std::string> overrides = {});
ReadDataRecipe read_data_recipe_text(std::string_view text, const std::string& name,
                                     const std::filesystem::path& folder,
                                     std::span<const std::string> overrides = {});
// The same of `stage: synthesize` and `stage: prefer`.
ReadSynthesisRecipe read_synthesis_recipe(const std::filesystem::path& path,
                                          std::span<const std::string> overrides = {});
ReadPreferenceRecipe read_preference_recipe(const std::filesystem::path& path,
                                            std::span<const std::string> overrides = {});

// The same of `stage: evaluate` and `stage: release`.
ReadEvaluationRecipe read_evaluation_recipe(const std::filesystem::path& path,
                                            std::span<const std::string> overrides = {});
ReadReleaseRecipe read_release_recipe(const std::filesystem::path& path,
                                      std::span<const std::string> overrides = {});

// A recipe of several stages.
ReadPipelineRecipe read_pipeline_recipe(const std::filesystem::path& path,
                                        std::span<const std::string> overrides = {});

// The same as read_recipe for text in memory; `name` and `folder` stand for the file's.
ReadRecipe read_recipe_text(std::string_view text, const std::string& name,
                            const std::filesystem::path& folder, std::span<const std::string> overrides = {});

}  // namespace caravan::recipes
