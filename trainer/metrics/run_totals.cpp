#include "trainer/metrics/run_totals.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

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
    note_loss(metric.name, metric.value);
    if (metric.name == "train/loss") ++steps_;
  }
  tokens_ += std::llround(speed * seconds);
  step_seconds_ += seconds;
}

void RunTotals::note_loss(const std::string& name, double value) {
  if (name == "train/loss") return train_losses_.push_back(value);
  whole_first_.emplace(name, value);
  whole_last_[name] = value;
}

void RunTotals::recall(const std::filesystem::path& metrics_file) {
  std::ifstream lines(metrics_file);
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json row = nlohmann::json::parse(line, nullptr, false);
    if (!row.is_object()) continue;
    for (const auto& [name, value] : row.items())
      if (name.ends_with("/loss") && value.is_number()) note_loss(name, value.get<double>());
  }
}

nlohmann::ordered_json RunTotals::to_json() const {
  nlohmann::ordered_json totals = {{"steps", steps_}, {"tokens", tokens_}, {"step_seconds", step_seconds_}};
  if (step_seconds_ > 0) totals["tokens_per_second"] = static_cast<double>(tokens_) / step_seconds_;
  if (peak_bytes_ > 0) totals["peak_bytes"] = static_cast<std::int64_t>(peak_bytes_);
  totals["first"] = first_;
  totals["last"] = last_;
  return totals;
}

std::string RunTotals::summary(double wall_seconds) const {
  std::string text = with_thousands(static_cast<double>(steps_)) + (steps_ == 1 ? " step, " : " steps, ") +
                     with_thousands(static_cast<double>(tokens_)) + " tokens in " +
                     format_duration(step_seconds_) + " of steps, " + format_duration(wall_seconds) +
                     " in all";
  if (step_seconds_ > 0)
    text += " (" + with_thousands(static_cast<double>(tokens_) / step_seconds_) + " tokens/s)";
  if (peak_bytes_ > 0) text += ", peak memory " + format_gibibytes(peak_bytes_);
  for (const auto& [name, last] : whole_last_)
    text += ", " + name + " " + format_value(whole_first_.at(name)) + " -> " + format_value(last);
  constexpr std::size_t kFewest = 20;
  if (train_losses_.size() < kFewest) return text;
  const auto tenth = static_cast<std::ptrdiff_t>(train_losses_.size() / 10);
  const auto mean = [tenth](auto begin) {
    return std::accumulate(begin, begin + tenth, 0.0) / static_cast<double>(tenth);
  };
  return text + ", train/loss " + format_value(mean(train_losses_.begin())) + " -> " +
         format_value(mean(train_losses_.end() - tenth)) + " (first and last tenth of the steps)";
}

}  // namespace caravan::trainer
