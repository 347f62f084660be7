// A step that asks models about rows: one walk, a block of rows at a time, each row with its fate.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "recipes/commands/data_run.h"

namespace caravan::recipes {

struct StepRow {
  data::Json row;
  std::string id;            // the row's own, else its number
  std::uint64_t number = 0;  // in the whole walk, from 0
};

// Lines that a row becomes; with none it is dropped, and then there is a reason.
struct StepResult {
  std::vector<data::Json> made = {};
  std::vector<std::string> reasons = {};
  bool keep = false;  // the row stays with its own bytes
};

// One result for each row, in their order.
using StepWork = std::function<std::vector<StepResult>(std::vector<StepRow>& rows)>;

// Rows that are no objects are dropped with their reason and never reach `work`, which is called for one
// block after the other. `more`: asked at the end, for the report. Throws as the walk and as `work`.
void run_generation_step(const DataFlags& flags, const data::Json& shown, const StepWork& work,
                         const std::function<data::Json()>& more = {});

// Rows of files, blank lines left out. Throws as the walk.
std::size_t count_rows(const std::vector<std::string>& files);

}  // namespace caravan::recipes
