// `caravan data COMMAND`: what is done to files of rows before training.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data(std::span<const std::string> args);

}  // namespace caravan::recipes
