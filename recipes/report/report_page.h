// A run or a pipeline as one page: curves, data, scores by stage, decisions of gates, samples before and
// after, rollouts.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "recipes/report/run_story.h"

namespace caravan::recipes {

constexpr std::size_t kMaxReportBytes = std::size_t{5} << 20;

// What does not fit in kMaxReportBytes is left out, and the page says so. Throws data::Error where a file of
// the story is damaged.
std::string report_page(const RunStory& story);

// Writes `out`, whole or not at all; a report that is there is replaced. Throws data::Error: `out` is there
// and no page (unsafe).
void write_report(const std::filesystem::path& dir, const std::filesystem::path& out);

}  // namespace caravan::recipes
