// `caravan data convert`: rows of published sets to records.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data_convert(std::span<const std::string> args);

}  // namespace caravan::recipes
