#include "recipes/stages/blackbox.h"

#include <cstdio>
#include <exception>
#include <filesystem>

#include "trainer/metrics/append_file.h"

namespace caravan::recipes {

void write_blackbox(const Recipe& recipe, int rank, const std::string& events) noexcept {
  if (events.empty()) return;
  try {
    char name[40] = "blackbox.jsonl";
    if (rank > 0) std::snprintf(name, sizeof name, "blackbox_rank_%05d.jsonl", rank);
    trainer::replace_file(std::filesystem::path(recipe.run.dir) / name, events);
  } catch (const std::exception&) {
    // Where there is no folder, or no room.
  }
}

}  // namespace caravan::recipes
