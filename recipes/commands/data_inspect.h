// `caravan data inspect`: what files of rows hold, as tables and as a page.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data_inspect(std::span<const std::string> args);

}  // namespace caravan::recipes
