// Collects the metrics of one step over its micro-batches, and divides once. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trainer/metrics/metric.h"

namespace caravan::trainer {

class Meter {
 public:
  // `sum` over `count` items (tokens, pairs, ...).
  void add_mean(std::string_view name, double sum, double count);
  void add_sum(std::string_view name, double value);
  void add_maximum(std::string_view name, double value);

  // The values in order of first use; the meter is empty afterwards.
  std::vector<MetricValue> finish();

 private:
  void add(std::string_view name, const Metric& metric);

  std::vector<std::pair<std::string, Metric>> metrics_;  // in order of first use
};

}  // namespace caravan::trainer
