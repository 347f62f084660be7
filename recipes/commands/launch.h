// `caravan launch --nproc N ... -- COMMAND ...`: several ranks of one run on this machine.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_launch(std::span<const std::string> args);

}  // namespace caravan::recipes
