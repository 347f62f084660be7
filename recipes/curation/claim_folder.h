// A run folder is new, or that of an earlier run of the same stage; nobody else's files are ever mixed with
// ours.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "trainer/checkpoint/run_lock.h"

namespace caravan::recipes {

// Makes the folder where there is none, and holds `lock` from then on. `stage` as recipe_stage names it: that
// of the recipe.yaml which the folder must hold unless it is empty. Throws data::Error (unsafe) where it
// holds something else, and as RunLock does where another process is at work there.
void claim_folder(const std::filesystem::path& dir, std::string_view stage,
                  std::optional<trainer::RunLock>& lock);

}  // namespace caravan::recipes
