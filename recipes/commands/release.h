// `caravan release RECIPE.yaml`: a finished checkpoint, tested, checked, described.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_release_command(std::span<const std::string> args);

}  // namespace caravan::recipes
