// A training stage: from a recipe to a trained model in run.dir/final.
#pragma once

#include "recipes/recipe.h"
#include "trainer/distributed/rank_place.h"
#include "trainer/metrics/terminal.h"

namespace caravan::recipes {

// Runs or resumes, together with the other ranks where `place` is one of several. Returns 0 when the run is
// done, 75 when it was stopped on request with a checkpoint to go on from. Throws the errors of the rooms.
int run_training(const Recipe& recipe, trainer::Terminal& terminal, const trainer::RankPlace& place,
                 const std::vector<std::string>& command);

}  // namespace caravan::recipes
