// What a rank did last among the others, kept in the run directory for whoever asks why a run ended.
#pragma once

#include <string>

#include "recipes/recipe.h"

namespace caravan::recipes {

// Writes `events` to blackbox.jsonl, other ranks to blackbox_rank_00003.jsonl, as log.txt has them; nothing
// where there are none. Never throws: why the run ends is told elsewhere.
void write_blackbox(const Recipe& recipe, int rank, const std::string& events) noexcept;

}  // namespace caravan::recipes
