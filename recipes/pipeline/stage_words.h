// From a stage of a pipeline to the words of the programs that carry it out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "recipes/pipeline/pipeline_recipe.h"
#include "recipes/pipeline/pipeline_state.h"

namespace caravan::recipes {

// Whether a recipe of this stage, as recipe_stage names it, makes a file of rows, and no model.
bool makes_rows(const std::string& kind);

// What an earlier stage made, by its name; for the check before anything has run, where it will be.
struct StagePlace {
  std::string dir = {};
  bool makes_rows = false;
};
using FindStage = std::function<StagePlace(const std::string& stage)>;

// `text` with {STAGE.model}, {STAGE.out}, {STAGE.dir} and {run.dir} filled in. Throws data::Error (usage) for
// another name within braces of that form.
std::string fill_in(const std::string& text, const std::string& run_dir, const FindStage& find);

// key=value for the recipe of a stage, of this kind (see recipe_stage), whose run folder is `dir`.
std::vector<std::string> stage_overrides(const PipelineStage& stage, const std::string& kind,
                                         const StageRecord& record, const std::string& dir,
                                         const std::string& run_dir, const FindStage& find);

}  // namespace caravan::recipes
