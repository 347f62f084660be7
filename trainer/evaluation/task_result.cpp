#include "trainer/evaluation/task_result.h"

#include <algorithm>

#include "data/error.h"

namespace caravan::trainer {
namespace {

using data::Json;

// Of one metric, an entry for each item.
using Series = std::map<std::int64_t, ItemValue>;

Figure figure_of(const std::string& metric) {
  if (metric.ends_with("_perplexity")) return Figure::kPerplexity;
  return metric.starts_with("bits_per_") ? Figure::kBits : Figure::kMean;
}

ItemValue value_of(const Json& value) {
  if (value.is_array()) return {value.at(0).get<double>(), value.at(1).get<double>()};
  return {value.get<double>(), 1.0};
}

class Tally {
 public:
  void add(const Json& sample) {
    const auto index = sample.at("index").get<std::int64_t>();
    for (const auto& [name, value] : sample.at("values").items()) {
      auto found = std::ranges::find(series_, name, &std::pair<std::string, Series>::first);
      if (found == series_.end()) found = series_.insert(found, {name, {}});
      ItemValue& item = found->second.try_emplace(index, ItemValue{0.0, 0.0}).first->second;
      const ItemValue more = value_of(value);
      item.sum += more.sum;
      item.count += more.count;
    }
  }

  std::vector<TaskMetric> metrics(const std::string& name) const {
    std::vector<TaskMetric> metrics;
    for (const auto& [metric, series] : series_) {
      std::vector<ItemValue> items;
      for (const auto& [index, value] : series) items.push_back(value);
      metrics.push_back({metric, estimate(items, figure_of(metric), seed_of(name))});
    }
    return metrics;
  }

 private:
  std::vector<std::pair<std::string, Series>> series_;  // in the order in which samples name them
};

[[noreturn]] void refuse(const std::string& text) {
  throw data::Error(data::Error::Kind::kData, text);
}

std::string listed(const std::map<std::string, std::int64_t>& counts) {
  std::string text;
  for (const auto& [reason, count] : counts)
    text += (text.empty() ? "" : ", ") + reason + " " + std::to_string(count);
  return text;
}

}  // namespace

TaskResult task_result(const data::TaskOptions& task, const std::vector<Json>& samples) {
  TaskResult result{.task = task.name, .metrics = {}};
  Tally all;
  std::map<std::string, Tally> parts;
  std::int64_t last_index = -1, judged = 0, unknown = 0;
  std::string reason;
  for (const Json& sample : samples) {
    const bool is_new = sample.at("index").get<std::int64_t>() != last_index;
    last_index = sample.at("index").get<std::int64_t>();
    if (sample.contains("left_out")) {
      result.left_out[sample["left_out"].get<std::string>()] += is_new ? 1 : 0;
      continue;
    }
    result.items += is_new ? 1 : 0;
    ++result.samples;
    all.add(sample);
    const std::string part = sample.value("part", "");
    if (!part.empty()) parts[part].add(sample);
    if (!sample.contains("verdict")) continue;
    ++judged;
    if (sample["verdict"] != "unknown") continue;
    ++unknown;
    if (reason.empty()) reason = sample.value("reason", "");
  }
  if (result.items == 0)
    refuse(task.name + ": none of the items could be asked (" + listed(result.left_out) +
           "); look at its samples, and at the task's templates and the model's positions");
  if (judged > 0 && unknown == judged)
    result.doubt = task.name + ": the verifier could tell of none of " + std::to_string(judged) +
                   " answers; the first reason: " + reason + "; check ground_truth and verifiers of the task";
  result.metrics = all.metrics(task.name);
  for (const auto& [part, tally] : parts) result.parts[part] = tally.metrics(task.name + "/" + part);
  return result;
}

}  // namespace caravan::trainer
