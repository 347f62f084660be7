// `caravan evaluate --model DIR --tasks NAME,...`: what a model can do, by tasks.
#pragma once

#include <ostream>
#include <span>
#include <string>

namespace caravan::recipes {

int run_evaluate(std::span<const std::string> args);
// The table goes to `out`.
int run_evaluate(std::span<const std::string> args, std::ostream& out);

}  // namespace caravan::recipes
