#include "recipes/run_state.h"

#include <fstream>
#include <optional>
#include <sstream>

#include "recipes/read_recipe.h"
#include "recipes/resolved_recipe.h"
#include "trainer/error.h"

namespace caravan::recipes {

namespace fs = std::filesystem;
using trainer::Error;

namespace {

std::optional<std::string> read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

void require_same_recipe(const Recipe& now, const std::string& before_yaml, const std::string& where) {
  const ReadRecipe before = read_recipe_text(before_yaml, where, fs::path("/"));
  const auto changes = recipe_difference(before.recipe, now);
  const auto breaking = breaking_changes(changes);
  if (breaking.empty()) return;
  throw Error(Error::Kind::kUsage,
              where + ": this run was started with another recipe, so going on would not repeat it:\n" +
                  difference_text(breaking) + "restore these values, or choose another run.dir");
}

bool find_earlier_recipe(const Recipe& recipe, const fs::path& dir) {
  const auto before = read_text(dir / "recipe.yaml");
  if (!before) return false;
  if (recipe.run.resume == trainer::Resume::kNever)
    throw Error(
        Error::Kind::kUsage,
        dir.string() + ": there is a run in this directory and run.resume is never; choose another run.dir");
  std::error_code ignored;
  if (fs::exists(dir / "run.json", ignored))
    require_same_recipe(recipe, *before, (dir / "recipe.yaml").string());
  return true;
}

void require_own_files(const fs::path& dir) {
  std::string found;
  for (const char* name :
       {"final", "checkpoints", "metrics.jsonl", "run.json", "tensorboard", "data/ledger.jsonl"}) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(dir / name, ignored)))
      found += (found.empty() ? "" : ", ") + std::string(name);
  }
  if (found.empty()) return;
  throw Error(Error::Kind::kUnsafe,
              dir.string() + ": holds " + found +
                  " but no recipe.yaml, so no run made it, and training would replace it; "
                  "choose another run.dir, or move these away");
}

bool is_finished_run(const fs::path& dir) {
  std::error_code ignored;
  return fs::exists(dir / "final" / "config.json", ignored);
}

}  // namespace caravan::recipes
