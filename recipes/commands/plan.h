// `caravan plan`: memory, traffic, steps and learning rates of a recipe, before anything is loaded.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_plan(std::span<const std::string> args);

}  // namespace caravan::recipes
