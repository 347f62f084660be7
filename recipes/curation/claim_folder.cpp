#include "recipes/curation/claim_folder.h"

#include <string>

#include "data/error.h"
#include "data/walk/whole_file.h"
#include "recipes/read_recipe.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;

// The lock, and half a recipe, of a run that was killed before it did anything are no files of anybody.
bool holds_files(const fs::path& dir) {
  std::error_code ignored;
  if (fs::exists(dir, ignored) && !fs::is_directory(dir, ignored)) return true;
  for (const auto& entry : fs::directory_iterator(dir, ignored))
    if (entry.path().filename() != ".lock" && entry.path().filename() != "recipe.yaml.partial") return true;
  return false;
}

}  // namespace

void claim_folder(const fs::path& dir, std::string_view stage, std::optional<trainer::RunLock>& lock) {
  if (holds_files(dir) && recipe_stage(dir / "recipe.yaml") != stage)
    throw Error(Error::Kind::kUnsafe, dir.string() + ": holds something else than a run of a recipe of " +
                                          (stage == "stages" ? "" : "stage: ") + std::string(stage) +
                                          "; choose another run.dir");
  data::make_folder(dir.string());
  lock.emplace(dir);
}

}  // namespace caravan::recipes
