#include "trainer/evaluation/estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "data/demo/random.h"

namespace caravan::trainer {
namespace {

double figure_of(double sum, double count, Figure figure) {
  if (count == 0.0) return std::numeric_limits<double>::quiet_NaN();
  const double x = sum / count;
  if (figure == Figure::kPerplexity) return std::exp(-x);
  return figure == Figure::kBits ? -x / std::numbers::ln2 : x;
}

double deviation(std::span<const double> values) {
  if (values.size() < 2) return 0.0;
  double mean = 0.0, squares = 0.0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// Between the two draws next to it, as numpy's default does.
double percentile(std::span<const double> sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Estimate estimate(std::span<const ItemValue> items, Figure figure, std::uint64_t seed) {
  Estimate result;
  double sum = 0.0, count = 0.0;
  bool equal_counts = true;
  std::vector<double> means;
  for (const ItemValue& item : items) {
    sum += item.sum;
    count += item.count;
    equal_counts = equal_counts && item.count == items.front().count;
    means.push_back(item.sum / item.count);
  }
  result.value = figure_of(sum, count, figure);
  std::vector<double> drawn;
  data::Random random(seed);
  for (int draw = 0; draw < kBootstrapDraws && !items.empty(); ++draw) {
    ItemValue total{0.0, 0.0};
    for (std::size_t i = 0; i < items.size(); ++i) {
      const ItemValue& item = items[random.below(items.size())];
      total.sum += item.sum;
      total.count += item.count;
    }
    const double value = figure_of(total.sum, total.count, figure);
    if (std::isfinite(value)) drawn.push_back(value);
  }
  if (drawn.empty()) return result;
  const bool plain = figure == Figure::kMean && equal_counts;
  result.standard_error =
      plain ? deviation(means) / std::sqrt(static_cast<double>(means.size())) : deviation(drawn);
  std::ranges::sort(drawn);
  result.low = percentile(drawn, 0.025);
  result.high = percentile(drawn, 0.975);
  return result;
}

// FNV-1a.
std::uint64_t seed_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace caravan::trainer
