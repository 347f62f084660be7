// `caravan data decontaminate`: rows that give away evaluation items are removed, or held back for a person.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data_decontaminate(std::span<const std::string> args);

}  // namespace caravan::recipes
