// The walks of `caravan data dedup`: keys or sketches, comparison, and the rows that stay.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/deduplication/keep_policy.h"
#include "data/deduplication/near_search.h"
#include "recipes/commands/data_run.h"

namespace caravan::recipes {

struct DedupOptions {
  bool near = false;
  data::NearOptions search;  // the key matters to both
  data::KeepPolicy keep = data::KeepPolicy::kFirst;
  std::string score_field;           // kScore: a number of the row, higher stays
  std::vector<std::string> sources;  // kSource: first in the list stays; those not listed come last
};

// What the options say of themselves in a report.
data::Json describe_dedup(const DedupOptions& options);

// Runs the command to its end; returns the exit code.
int run_dedup(DataRun& run, const DataFlags& flags, const DedupOptions& options);

// How much a row is worth to `keep`; higher stays. `score_missing`: the row has no such number.
double worth_of(const data::JsonValue& row, const data::Conversation& messages, const DedupOptions& options,
                bool& score_missing);

}  // namespace caravan::recipes
