// The walks of `caravan data mix`: count, plan, draw, write.
#pragma once

#include <cstdint>
#include <vector>

#include "data/mixing/mix_plan.h"
#include "recipes/commands/data_run.h"

namespace caravan::recipes {

struct MixRequest {
  std::vector<data::MixPart> parts;
  // By part: how many of the inputs of the run, which follow each other, are its files. Empty: the `source`
  // member of a row tells.
  std::vector<std::size_t> num_files = {};
  data::MixOptions options;
  std::uint64_t seed = 42;
  bool only_plan = false;  // the table on stdout, and nothing is written
};

// What the request says of itself in a report.
data::Json describe_mix(const MixRequest& request);

// Runs the command to its end; returns the exit code. `request` has passed check_mix.
int run_mix(DataRun& run, const DataFlags& flags, const MixRequest& request);

}  // namespace caravan::recipes
