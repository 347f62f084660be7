// `caravan data mix`: rows of several sources to one file, so much of each.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data_mix(std::span<const std::string> args);

}  // namespace caravan::recipes
