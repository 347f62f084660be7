// From the name of a task, or a task file of the user's own, to its options.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/evaluation/task_options.h"

namespace caravan::recipes {

struct ReadTask {
  data::TaskOptions task;
  std::filesystem::path folder;  // where its relative paths start; empty: where the user says the data lies
};

// `words`: names of built-in tasks, or paths of files that end in .yaml. `overrides`: TASK.KEY=VALUE. Throws
// RecipeError with every problem of a file, data::Error (usage): an unknown name with the nearest one, the
// same task twice, an override of a task that is not named.
std::vector<ReadTask> read_tasks(std::span<const std::string> words, std::span<const std::string> overrides);

// Throws data::Error (unsafe) that ends with `advice` where one of the tasks is of the unseen suite.
void refuse_unseen(std::span<const ReadTask> tasks, const std::string& advice);

// A task in memory; `name` stands for the file in messages.
data::TaskOptions read_task_text(std::string_view text, const std::string& name,
                                 std::span<const std::string> overrides = {});

}  // namespace caravan::recipes
