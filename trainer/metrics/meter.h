// Collects the metrics of one step over its micro-batches and ranks, and divides once.
//
// The trainer sums packed() of all ranks (elementwise: sums and counts add, maxima take the larger) and hands
// the result to unpack(); with one rank neither is needed. Not thread-safe.
#pragma once

#include <span>
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

  // [sum, count] of every sum and mean, and the values of the maxima, in order of name: the same on ranks
  // that report the same names. A maximum without contribution is -infinity.
  std::vector<double> packed_sums() const;
  std::vector<double> packed_maxima() const;
  // The reduced numbers back. Throws Error (internal check) where the sizes do not fit the names here.
  void unpack(std::span<const double> sums, std::span<const double> maxima);

  // The values in order of first use; the meter is empty afterwards.
  std::vector<MetricValue> finish();

 private:
  void add(std::string_view name, const Metric& metric);
  std::vector<std::size_t> order_by_name() const;

  std::vector<std::pair<std::string, Metric>> metrics_;  // in order of first use
};

}  // namespace caravan::trainer
