// caravan data worst: the pairs of a run on preferences that the model holds to be the wrong way round.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data_worst(std::span<const std::string> args);

}  // namespace caravan::recipes
