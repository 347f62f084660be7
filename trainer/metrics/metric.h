// A number a step reports, kept as (sum, count) until it is reported, so that it means the same for any split
// of the step into micro-batches and ranks.
//
// Names are `area/quantity_unit`: train/loss, train/grad_norm, train/learning_rate, train/tokens,
// speed/tokens_per_second, speed/gemm_share, speed/data_wait_seconds, memory/peak_bytes, eval/loss.
#pragma once

#include <algorithm>
#include <limits>
#include <string>

namespace caravan::trainer {

enum class Combine {
  kMean,     // sum / count over all contributions
  kSum,      // counts of things: tokens, documents
  kMaximum,  // peaks over ranks
};

struct Metric {
  Combine combine = Combine::kMean;
  double sum = 0;    // for kMaximum: the largest value so far
  double count = 0;  // for kMean: the weight of the sum; otherwise the number of contributions

  void add(const Metric& other) {
    sum =
        combine == Combine::kMaximum ? (count == 0 ? other.sum : std::max(sum, other.sum)) : sum + other.sum;
    count += other.count;
  }
  // A mean over nothing is not a number rather than a zero that looks like a perfect loss.
  double value() const {
    if (combine != Combine::kMean) return sum;
    return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count;
  }
};

// A metric as it is reported: divided once.
struct MetricValue {
  std::string name;
  double value = 0;
};

}  // namespace caravan::trainer
