// Scores of a pipeline stage by stage, for a terminal.
#pragma once

#include <string>

#include "recipes/report/run_story.h"

namespace caravan::recipes {

// The first stage that was asked tasks, where it was asked them before its first step too; else null. What it
// scored then is the front of its evaluations.
const StageStory* scored_before(const RunStory& story);

// A line for each stage and task: the score that speaks for the task, its interval, the change since the task
// was asked last, and what the gate made of it. Empty where nothing was asked.
std::string score_table(const RunStory& story);

}  // namespace caravan::recipes
