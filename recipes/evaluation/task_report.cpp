#include "recipes/evaluation/task_report.h"

#include <cmath>
#include <cstdio>

#include "data/text_table.h"

namespace caravan::recipes {
namespace {

using data::Json;
using trainer::TaskMetric;

std::string shown(double value) {
  if (!std::isfinite(value)) return "-";
  char text[40];
  std::snprintf(text, sizeof text, std::fabs(value) < 1000 ? "%.4f" : "%.5g", value);
  return text;
}

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json metrics_json(const std::vector<TaskMetric>& metrics) {
  Json json = Json::object();
  for (const TaskMetric& metric : metrics)
    json[metric.name] = {{"value", number(metric.estimate.value)},
                         {"standard_error", number(metric.estimate.standard_error)},
                         {"low", number(metric.estimate.low)},
                         {"high", number(metric.estimate.high)}};
  return json;
}

}  // namespace

namespace {

std::string left_out_notes(const trainer::TaskResult& result) {
  std::string notes;
  for (const auto& [reason, count] : result.left_out)
    notes += result.task + ": " + std::to_string(count) + (count == 1 ? " item" : " items") +
             " left out, not in the figures: " + reason + "\n";
  return notes;
}

}  // namespace

std::string model_table(const std::vector<ModelResults>& models) {
  data::TableLine head{"task/metric"};
  for (const ModelResults& model : models) head.push_back(model.name);
  std::vector<data::TableLine> lines{head};
  std::string notes;
  for (std::size_t task = 0; task < models.front().results.size(); ++task) {
    const trainer::TaskResult& first = models.front().results[task];
    for (std::size_t m = 0; m < first.metrics.size(); ++m) {
      data::TableLine values{first.task + "/" + first.metrics[m].name}, intervals{"  95 % interval"};
      for (const ModelResults& model : models) {
        const trainer::Estimate& estimate = model.results[task].metrics.at(m).estimate;
        values.push_back(shown(estimate.value));
        intervals.push_back(shown(estimate.low) + " to " + shown(estimate.high));
      }
      lines.push_back(std::move(values));
      lines.push_back(std::move(intervals));
    }
    for (const ModelResults& model : models)
      if (const std::string note = left_out_notes(model.results[task]); !note.empty())
        notes += model.name + ": " + note;
  }
  return data::print_table(lines) + notes;
}

std::string task_table(const std::vector<trainer::TaskResult>& results) {
  std::vector<data::TableLine> lines{{"task/metric", "value", "standard error", "95 % interval", "items"}};
  std::string notes;
  for (const trainer::TaskResult& result : results) {
    for (const TaskMetric& metric : result.metrics)
      lines.push_back({result.task + "/" + metric.name, shown(metric.estimate.value),
                       shown(metric.estimate.standard_error),
                       shown(metric.estimate.low) + " to " + shown(metric.estimate.high),
                       data::grouped(static_cast<std::uint64_t>(result.items))});
    notes += left_out_notes(result);
  }
  return data::print_table(lines) + notes;
}

Json results_json(const std::vector<trainer::TaskResult>& results) {
  Json metrics = Json::object(), tasks = Json::object(), failed = Json::object();
  for (const trainer::TaskResult& result : results) {
    for (const TaskMetric& metric : result.metrics)
      metrics[result.task + "/" + metric.name] = number(metric.estimate.value);
    Json task{{"main", result.metrics.empty() ? "" : result.metrics.front().name},
              {"items", result.items},
              {"samples", result.samples},
              {"left_out", result.left_out},
              {"metrics", metrics_json(result.metrics)}};
    for (const auto& [part, of_part] : result.parts) task["parts"][part] = metrics_json(of_part);
    tasks[result.task] = std::move(task);
    if (!result.doubt.empty()) failed[result.task] = result.doubt;
  }
  Json json{{"metrics", std::move(metrics)}, {"tasks", std::move(tasks)}};
  if (!failed.empty()) json["failed"] = std::move(failed);
  return json;
}

std::vector<trainer::MetricValue> metric_values(const trainer::TaskResult& result) {
  std::vector<trainer::MetricValue> values;
  for (const TaskMetric& metric : result.metrics) {
    values.push_back({"eval/" + result.task + "/" + metric.name, metric.estimate.value});
    values.push_back({"eval/" + result.task + "/" + metric.name + "_stderr", metric.estimate.standard_error});
  }
  return values;
}

}  // namespace caravan::recipes
