// Texts on the page of a report: what the models of several stages said to the same items, and rollouts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "recipes/report/run_story.h"

namespace caravan::recipes {

// Items of each task that more than one evaluation has asked, side by side; of one alone, those. First those
// that got right last, then those that got wrong. Markup, empty where there are none.
std::string samples_before_and_after(const RunStory& story);

// rollouts/step-*.jsonl.zst of a run: rewards, lengths, verdicts by step, and examples. At most 60 files are
// read, spread evenly, and of each at most 2,000 rollouts. Markup, empty where there are none.
std::string rollouts_of(const std::filesystem::path& run_dir);

}  // namespace caravan::recipes
