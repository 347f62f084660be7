// What a task says of a model: figures over its samples. Free of LibTorch.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/evaluation/task_options.h"
#include "data/message.h"
#include "trainer/evaluation/estimate.h"

namespace caravan::trainer {

struct TaskMetric {
  std::string name;  // "acc"
  Estimate estimate;
};

struct TaskResult {
  std::string task;
  std::vector<TaskMetric> metrics;                            // over all items
  std::map<std::string, std::vector<TaskMetric>> parts = {};  // by part, where the task has parts
  std::int64_t items = 0;                                     // that were asked
  std::int64_t samples = 0;
  std::map<std::string, std::int64_t> left_out = {};  // items that could not be asked, by reason
  std::string doubt = {};                             // why the figures say nothing; empty where they do
};

// The figures of all samples of a task. A sample's "values" hold what it contributes to each metric: a
// number, or [sum, count]; its "left_out" why it contributes nothing. Samples of one item count as one item.
// Where the verifier could tell of no answer, that is the doubt. Throws data::Error (data) where no item
// could be asked, with the reason.
TaskResult task_result(const data::TaskOptions& task, const std::vector<data::Json>& samples);

}  // namespace caravan::trainer
