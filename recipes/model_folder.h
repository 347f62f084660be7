// A folder that is named as a model and is another thing.
#pragma once

#include <string>

namespace caravan::recipes {

// Empty, or where the model lies: `folder` is that of a run, and the run's model is in final/ below it.
std::string model_of_run(const std::string& folder);
// Throws data::Error (usage) that says so.
void refuse_run_folder(const std::string& folder);

}  // namespace caravan::recipes
