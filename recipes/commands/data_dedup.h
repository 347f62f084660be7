// `caravan data dedup`: equal or nearly equal rows, of which one stays.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data_dedup(std::span<const std::string> args);

}  // namespace caravan::recipes
