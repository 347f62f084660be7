#include "recipes/pipeline/check_tasks.h"

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "data/error.h"
#include "data/evaluation/task_items.h"
#include "recipes/evaluation/read_task.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;

// What caravan evaluate will be told of where items lie.
struct TaskFlags {
  std::string folder;
  std::size_t limit = 0;
  std::vector<std::string> overrides;
  bool waits = false;  // for the folder of a stage
};

TaskFlags read_flags(const std::vector<std::string>& words) {
  TaskFlags flags;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_next = i + 1 < words.size();
    flags.waits = flags.waits || word.find('{') != std::string::npos;
    if (word == "--data" && has_next)
      flags.folder = words[++i];
    else if (word == "--limit" && has_next)
      std::from_chars(words[i + 1].data(), words[i + 1].data() + words[i + 1].size(), flags.limit);
    else if (!word.starts_with("-") && word.find('=') != std::string::npos)
      flags.overrides.push_back(word);
    flags.waits = flags.waits || flags.folder.find('{') != std::string::npos;
  }
  return flags;
}

bool is_there(const std::string& pattern) {
  glob_t found{};
  const bool any = glob(pattern.c_str(), 0, nullptr, &found) == 0;
  globfree(&found);
  return any;
}

void require_items(const ReadTask& read, const std::string& folder, std::size_t limit) {
  const data::TaskItems items(read.task, folder, limit);
  const auto usable = [](const data::TaskItem& item) { return item.left_out.empty(); };
  if (std::ranges::any_of(items.items(), usable)) return;
  const std::string why = items.items().empty() ? "its files have no row" : items.items()[0].left_out;
  throw Error(Error::Kind::kData, read.task.name + ": none of its items can be asked (" + why +
                                      "); look at its data and its templates");
}

}  // namespace

void require_task_items(const PipelineRecipe& recipe) {
  bool command_before = false;
  for (const PipelineStage& stage : recipe.stages) {
    command_before = command_before || !stage.command.empty();
    const TaskFlags flags = read_flags(stage.evaluate_flags);
    if (stage.tasks.empty() || flags.waits) continue;
    for (const ReadTask& read : read_tasks(stage.tasks, flags.overrides)) {
      const std::string own = read.folder.empty() ? "." : read.folder.string();
      const std::string folder = flags.folder.empty() ? own : flags.folder;
      const bool made_here = fs::path(folder).lexically_normal().string().starts_with(recipe.run.dir);
      if ((command_before || made_here) && !is_there((fs::path(folder) / read.task.data).string())) continue;
      try {
        require_items(read, folder, flags.limit);
      } catch (const Error& error) {
        throw Error(error.kind(), "stage " + stage.name + ", tasks: " + error.what());
      }
    }
    command_before = command_before || !stage.after.empty();
  }
}

}  // namespace caravan::recipes
