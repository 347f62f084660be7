// `caravan serve --model DIR`: the OpenAI API over a model, for evaluation from outside.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_serve(std::span<const std::string> args);

}  // namespace caravan::recipes
