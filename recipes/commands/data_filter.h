// `caravan data filter`: rows that are not worth training on are dropped, each with its reasons.
#pragma once

#include <span>
#include <string>

#include "data/filters/filter_options.h"
#include "recipes/commands/data_run.h"

namespace caravan::recipes {

int run_data_filter(std::span<const std::string> args);

// The command without its words: a filter at least must be on. Throws data::Error.
int run_filter(const DataFlags& flags, const data::FilterOptions& options);
// What the options say of themselves in a report.
data::Json describe_filter(const data::FilterOptions& options);

}  // namespace caravan::recipes
