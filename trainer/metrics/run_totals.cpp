#include "trainer/metrics/run_totals.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "trainer/metrics/console_sink.h"

namespace caravan::trainer {

void RunTotals::write(std::int64_t, std::span<const MetricValue> values) {
  double speed = 0.0, seconds = 0.0;
  for (const MetricValue& metric : values) {
    if (metric.name == "speed/tokens_per_second") speed = metric.value;
    if (metric.name == "speed/step_seconds") seconds = metric.value;
    if (metric.name == "memory/peak_bytes") peak_bytes_ = std::max(peak_bytes_, metric.value);
    if (!metric.name.ends_with("/loss")) continue;
    first_.emplace(metric.name, metric.value);
    last_[metric.name] = metric.value;
    if (metric.name == "train/loss") ++steps_;
  }
  tokens_ += std::llround(speed * seconds);
  step_seconds_ += seconds;
}

nlohmann::ordered_json RunTotals::to_json() const {
  nlohmann::ordered_json totals = {{"steps", steps_}, {"tokens", tokens_}, {"step_seconds", step_seconds_}};
  if (step_seconds_ > 0) totals["tokens_per_second"] = static_cast<double>(tokens_) / step_seconds_;
  if (peak_bytes_ > 0) totals["peak_bytes"] = static_cast<std::int64_t>(peak_bytes_);
  totals["first"] = first_;
  totals["last"] = last_;
  return totals;
}

std::string RunTotals::summary() const {
  std::string text = with_thousands(static_cast<double>(steps_)) + (steps_ == 1 ? " step, " : " steps, ") +
                     with_thousands(static_cast<double>(tokens_)) + " tokens in " +
                     format_duration(step_seconds_);
  if (step_seconds_ > 0)
    text += " (" + with_thousands(static_cast<double>(tokens_) / step_seconds_) + " tokens/s)";
  if (peak_bytes_ > 0) text += ", peak memory " + format_gibibytes(peak_bytes_);
  for (const auto& [name, last] : last_) {
    const double first = first_.at(name);
    text += ", " + name + " " + format_value(first);
    if (steps_ > 1) text += " -> " + format_value(last);
  }
  return text;
}

}  // namespace caravan::trainer
