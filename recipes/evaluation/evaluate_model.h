// Tasks asked of one checkpoint: samples, results.json, and the scores for TensorBoard.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/evaluation/task_items.h"
#include "recipes/evaluation/read_task.h"
#include "trainer/evaluation/task_result.h"

namespace caravan::recipes {

// Tasks and their items, read once for all models and before any is loaded.
struct TaskSet {
  std::vector<ReadTask> tasks;
  std::vector<data::TaskItems> items;
  std::int64_t max_items = 0;
  bool needs_template() const;
};
// `folder`: where the tasks' files lie; empty: the current folder, for a task file its own. `max_items`: 0
// for all. Throws data::Error as TaskItems does.
TaskSet read_task_set(std::vector<ReadTask> tasks, const std::string& folder, std::int64_t max_items);

struct EvaluateOptions {
  std::string model;
  std::string out;  // folder; empty: nothing is kept
  std::string chat_template = "auto";
  std::optional<std::string> dtype;
  at::Device device = at::kCPU;
  std::int64_t batch_tokens = 8192, batch_size = 32;
  bool quiet = false;
};

// Goes on from the samples that are in `out`. A task that says nothing of the model has a doubt, and all
// others are asked. Throws data::Error, models::Error and trainer::Error: a model that is none, samples of
// something else (unsafe), a stop (stopped).
std::vector<trainer::TaskResult> evaluate_model(const EvaluateOptions& options, const TaskSet& set);

// Throws data::Error (data) with the doubts, where there is one.
void require_no_doubt(const std::vector<trainer::TaskResult>& results);

}  // namespace caravan::recipes
