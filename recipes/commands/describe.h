// `caravan describe [section]`: every key of a recipe, from the field lists of the reader.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

// 0, or 1 where --check finds the page out of date; throws data::Error for a name that does not exist.
int run_describe(std::span<const std::string> args);

}  // namespace caravan::recipes
