// Runs a recipe of `stage: prefer`: prompts, the answers of each model, scores, pairs.
//
//   1-prompts          a row a prompt, with its truth where it has one
//   2-ask-MODEL ...    the same rows with the answers of one model more: one model is in memory at a time
//   3-judge, 3-verify, 3-score  the same rows with a score for each answer
//   4-pairs            the output
//
// Requests, rows, reports and ledger lie as in run_synthesis.h.
#pragma once

#include "recipes/preferences/score_rows.h"
#include "recipes/read_recipe.h"
#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

// Files, templates and verifiers that can be checked before anything is asked. Throws data::Error.
void check_preference_files(const ReadPreferenceRecipe& read);
// Returns the exit code. Throws data::Error as the steps do.
int run_preferences(const ReadPreferenceRecipe& read, bool quiet, MakeLocalModel make_local,
                    MakeRewardModel make_reward_model = nullptr);

}  // namespace caravan::recipes
