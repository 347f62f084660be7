// `caravan report DIR`: a run or a pipeline as one HTML page.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_report(std::span<const std::string> args);

}  // namespace caravan::recipes
