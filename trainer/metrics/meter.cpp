#include "trainer/metrics/meter.h"

#include <algorithm>

#include "trainer/error.h"

namespace caravan::trainer {

void Meter::add(std::string_view name, const Metric& metric) {
  auto found =
      std::find_if(metrics_.begin(), metrics_.end(), [&](const auto& entry) { return entry.first == name; });
  if (found == metrics_.end()) {
    metrics_.emplace_back(std::string(name), metric);
    return;
  }
  if (found->second.combine != metric.combine) {
    throw Error(Error::Kind::kInternalCheck,
                "metric " + std::string(name) + " is added in two ways (mean, sum or maximum)");
  }
  found->second.add(metric);
}

void Meter::add_mean(std::string_view name, double sum, double count) {
  add(name, {Combine::kMean, sum, count});
}
void Meter::add_sum(std::string_view name, double value) {
  add(name, {Combine::kSum, value, 1});
}
void Meter::add_maximum(std::string_view name, double value) {
  add(name, {Combine::kMaximum, value, 1});
}

std::vector<MetricValue> Meter::finish() {
  std::vector<MetricValue> values;
  values.reserve(metrics_.size());
  for (auto& [name, metric] : metrics_) values.push_back({std::move(name), metric.value()});
  metrics_.clear();
  return values;
}

}  // namespace caravan::trainer
