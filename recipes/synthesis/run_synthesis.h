// Runs a recipe of `stage: synthesize`: personas, the tasks in their order, then what data recipes do too:
// filters, deduplication, a mix.
//
//   DIR/requests/MODEL.jsonl   all that a model was asked and answered, so that nothing is paid for twice
//   DIR/rows, DIR/reports      rows after each step, and what became of each row
//   DIR/ledger.json            rows of each task from the inputs to the output, what was spent
#pragma once

#include "recipes/read_recipe.h"
#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

// Files, templates, filters and shares that can be checked before anything is asked. Throws data::Error.
void check_synthesis_files(const ReadSynthesisRecipe& read);
// Returns the exit code. Throws data::Error as the steps do.
int run_synthesis(const ReadSynthesisRecipe& read, bool quiet, MakeLocalModel make_local);

}  // namespace caravan::recipes
