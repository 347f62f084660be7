// A step that asks models about rows: one walk, a block of rows at a time, each row with its fate.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/message.h"
#include "data/synthesis/prompt_makers.h"
#include "recipes/commands/data_run.h"

namespace caravan::recipes {

struct StepRow {
  data::Json row;
  std::string id;            // the row's own, else its number
  std::uint64_t number = 0;  // in the whole walk, from 0
  // What it asks and answers, of any layout; empty where that is nothing, or more than texts.
  std::vector<data::Message> messages = {};
};

// Lines that a row becomes; with none it is dropped, and then there is a reason.
struct StepResult {
  std::vector<data::Json> made = {};
  std::vector<std::string> reasons = {};
  bool keep = false;  // the row stays with its own bytes
};

// The row that was made, or its reason.
void add_made(data::SynthesisRow&& made, StepResult& result);

// One result for each row, in their order.
using StepWork = std::function<std::vector<StepResult>(std::vector<StepRow>& rows)>;

// True for a row that stays as it is. One for each thread of the walk, which makes it by MakePass.
using StepPass = std::function<bool(const data::JsonValue& row)>;
using MakePass = std::function<StepPass()>;

// `work` gets at most so many rows at once: what it makes of a block of small ones is kept in bounds.
inline constexpr std::size_t kMaxStepRows = 4096;

// Rows that are no objects are dropped with their reason and never reach `work`, which is called for one
// stretch of rows after the other, and neither do those that pass. `more`: asked at the end, for the report.
// Throws as the walk and as `work`.
void run_generation_step(const DataFlags& flags, const data::Json& shown, const StepWork& work,
                         const std::function<data::Json()>& more = {}, const MakePass& make_pass = {});

// Rows of files, blank lines left out. Throws as the walk.
std::size_t count_rows(const std::vector<std::string>& files);

}  // namespace caravan::recipes
