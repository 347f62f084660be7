#include "recipes/model_folder.h"

#include <filesystem>

#include "data/error.h"

namespace caravan::recipes {

namespace fs = std::filesystem;

std::string model_of_run(const std::string& folder) {
  std::error_code ignored;
  const fs::path path(folder);
  if (fs::exists(path / "config.json", ignored) || !fs::exists(path / "final" / "config.json", ignored))
    return {};
  return (path / "final").string();
}

void refuse_run_folder(const std::string& folder) {
  const std::string model = model_of_run(folder);
  if (!model.empty())
    throw data::Error(data::Error::Kind::kUsage,
                      folder + ": is the folder of a run; the model it made is " + model + ": name that");
}

}  // namespace caravan::recipes
