// A checkpoint to a released model: tested, written anew, proved, described.
#pragma once

#include <string>
#include <vector>

#include "recipes/read_recipe.h"

namespace caravan::recipes {

// Writes run.dir/final, whole or not at all: weights, tokenizer with its chat template,
// generation_config.json, README.md (the model card), release.json and SHA256SUMS. It is there only once its
// files have the hashes of the checkpoint's and a probe of the reopened folder has the same bits. A release
// of the same files that is there is checked and kept. `command`: for the card. Throws data::Error: something
// else in run.dir, or a release of another model (unsafe), a checkpoint whose tokenizer or template is not
// the one it was trained with (usage), hashes or a probe that differ (internal).
void run_release(const ReadReleaseRecipe& read, const std::vector<std::string>& command, bool quiet);

// What `caravan validate` can know of the files that the recipe names. Throws data::Error (usage).
void check_release_files(const ReleaseRecipe& recipe);

}  // namespace caravan::recipes
