#include "trainer/metrics/meter.h"

#include <algorithm>
#include <limits>
#include <numeric>

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

std::vector<std::size_t> Meter::order_by_name() const {
  std::vector<std::size_t> order(metrics_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return metrics_[a].first < metrics_[b].first; });
  return order;
}

std::vector<double> Meter::packed_sums() const {
  std::vector<double> packed;
  for (std::size_t i : order_by_name()) {
    const Metric& metric = metrics_[i].second;
    if (metric.combine == Combine::kMaximum) continue;
    packed.push_back(metric.sum);
    packed.push_back(metric.count);
  }
  return packed;
}

std::vector<double> Meter::packed_maxima() const {
  std::vector<double> packed;
  for (std::size_t i : order_by_name()) {
    const Metric& metric = metrics_[i].second;
    if (metric.combine != Combine::kMaximum) continue;
    packed.push_back(metric.count == 0 ? -std::numeric_limits<double>::infinity() : metric.sum);
  }
  return packed;
}

void Meter::unpack(std::span<const double> sums, std::span<const double> maxima) {
  if (sums.size() != packed_sums().size() || maxima.size() != packed_maxima().size()) {
    throw Error(Error::Kind::kInternalCheck,
                "reduced metrics hold " + std::to_string(sums.size()) + " sums and " +
                    std::to_string(maxima.size()) + " maxima, this rank reports " +
                    std::to_string(packed_sums().size()) + " and " + std::to_string(packed_maxima().size()) +
                    ": every rank must report the same names");
  }
  std::size_t next_sum = 0;
  std::size_t next_maximum = 0;
  for (std::size_t i : order_by_name()) {
    Metric& metric = metrics_[i].second;
    if (metric.combine == Combine::kMaximum) {
      metric.sum = maxima[next_maximum++];
    } else {
      metric.sum = sums[next_sum++];
      metric.count = sums[next_sum++];
    }
  }
}

std::vector<MetricValue> Meter::finish() {
  std::vector<MetricValue> values;
  values.reserve(metrics_.size());
  for (auto& [name, metric] : metrics_) values.push_back({std::move(name), metric.value()});
  metrics_.clear();
  return values;
}

}  // namespace caravan::trainer
