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

// {"metrics": {"TASK/METRIC": value, ...}, "tasks": {TASK: {"main": METRIC, "metrics": {METRIC: {value,
// standard_error, low, high}}, "items", "samples", "left_out", "parts"}}}. Names stay the same from version
// to version.
data::Json results_json(const std::vector<trainer::TaskResult>& results);

// "eval/TASK/METRIC" and its standard error, for the metrics of a run.
std::vector<trainer::MetricValue> metric_values(const trainer::TaskResult& result);

}  // namespace caravan::recipes
