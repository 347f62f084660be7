// The task files of recipes/tasks, as they were when the program was built.
#pragma once

#include <span>
#include <string_view>

namespace caravan::recipes {

struct BuiltinTask {
  std::string_view name;  // of the file, without .yaml
  std::string_view text;
};
std::span<const BuiltinTask> builtin_tasks();

}  // namespace caravan::recipes
