// What the keys of a task mean together.
#pragma once

#include "data/evaluation/task_options.h"
#include "recipes/reader/read_state.h"

namespace caravan::recipes {

// Reports keys that are missing for the kind of task, or have no effect on it; names that are no file names;
// verifiers that nobody knows; templates that do not parse.
void check_task(const data::TaskOptions& task, ReadState& state);

}  // namespace caravan::recipes
