// `caravan data explain`: what became of one row, from the published file to its tokens.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_data_explain(std::span<const std::string> args);

}  // namespace caravan::recipes
