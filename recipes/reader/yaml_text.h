// Text checks before a YAML parser sees it: what the parser would misread in silence, or report in the wrong
// place.
#pragma once

#include <cstddef>
#include <string_view>

#include "recipes/reader/problem.h"

namespace caravan::recipes {

// Throws RecipeError: more than `max_bytes`, bytes that are not UTF-8, control characters, tabs used to
// indent. `origin` names the text in messages.
void check_yaml_text(std::string_view text, const Where& origin, std::size_t max_bytes);

// Bytes of the UTF-8 character that starts at `at`; 0 where there is none (overlong forms and surrogates are
// none).
std::size_t character_bytes(std::string_view text, std::size_t at);

}  // namespace caravan::recipes
