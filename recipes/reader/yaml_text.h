// Text checks before a YAML parser sees it: what the parser would misread in silence, or report in the wrong
// place.
#pragma once

#include <string_view>

#include "recipes/reader/problem.h"

namespace caravan::recipes {

// Throws RecipeError: more than `most_bytes`, bytes that are not UTF-8, control characters, tabs used to
// indent. `origin` names the text in messages.
void check_yaml_text(std::string_view text, const Where& origin, std::size_t most_bytes);

}  // namespace caravan::recipes
