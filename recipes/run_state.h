// What an earlier launch left in run.dir, and whether a recipe may go on there. Looks at small files only.
#pragma once

#include <filesystem>
#include <string>

#include "recipes/recipe.h"

namespace caravan::recipes {

// Throws trainer::Error (usage) that lists the differences, unless the recipe of an earlier launch means the
// same in everything that changes results. `where` names it.
void require_same_recipe(const Recipe& now, const std::string& before_yaml, const std::string& where);

// Whether a launch left its recipe here. Throws trainer::Error where run.resume or that recipe does not allow
// this one; a launch that ended before its first step, by its data say, binds nobody.
bool find_earlier_recipe(const Recipe& recipe, const std::filesystem::path& dir);

// Throws trainer::Error (unsafe) where a folder without a recipe holds what a run would replace or cut: then
// it is somebody's.
void require_own_files(const std::filesystem::path& dir);

// The run ended: final/ is there and complete.
bool is_finished_run(const std::filesystem::path& dir);

}  // namespace caravan::recipes
