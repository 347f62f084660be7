// Results of tasks for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "data/message.h"
#include "trainer/evaluation/task_result.h"
#include "trainer/metrics/metric.h"

namespace caravan::recipes {

// A table: a line for each metric of each task, with standard error and 95 % interval, then what was left
// out.
std::string task_table(const std::vector<trainer::TaskResult>& results);

struct ModelResults {
  std::string name;
  std::vector<trainer::TaskResult> results;
};
// A line for each metric, a column for each model, with the 95 % interval below each value; then what was
// left out. All have the same tasks.
std::string model_table(const std::vector<ModelResults>& models);

// {"metrics": {"TASK/METRIC": value, ...}, "tasks": {TASK: {"main": METRIC, "metrics": {METRIC: {value,
// standard_error, low, high}}, "items", "samples", "left_out", "parts"}}, "failed": {TASK: why its figures
// say nothing}}; the last where there is one. Names stay the same from version to version.
data::Json results_json(const std::vector<trainer::TaskResult>& results);

// "eval/TASK/METRIC" and its standard error, for the metrics of a run.
std::vector<trainer::MetricValue> metric_values(const trainer::TaskResult& result);

}  // namespace caravan::recipes
