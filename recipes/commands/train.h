// `caravan train RECIPE.yaml [key=value ...]`
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_train(std::span<const std::string> args);

}  // namespace caravan::recipes
