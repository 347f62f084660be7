#include "recipes/report/metric_curves.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>

#include "data/error.h"
#include "recipes/json_lines.h"

namespace caravan::recipes {

void ThinCurve::add(double step, double value) {
  ++values_;
  if (!std::isfinite(value) || !std::isfinite(step)) return;
  const data::ChartPoint point{step, value};
  if (buckets_.empty() || in_last_ == per_bucket_) {
    if (buckets_.size() == kMaxBuckets) {
      // Two become one, and all that follow are as wide.
      for (std::size_t i = 0; i < kMaxBuckets / 2; ++i) {
        const Bucket &first = buckets_[2 * i], &second = buckets_[2 * i + 1];
        buckets_[i] = {second.low.y < first.low.y ? second.low : first.low,
                       second.high.y > first.high.y ? second.high : first.high};
      }
      buckets_.resize(kMaxBuckets / 2);
      per_bucket_ *= 2;
    }
    buckets_.push_back({point, point});
    in_last_ = 1;
    return;
  }
  ++in_last_;
  Bucket& last = buckets_.back();
  if (point.y < last.low.y) last.low = point;
  if (point.y > last.high.y) last.high = point;
}

std::vector<data::ChartPoint> ThinCurve::points() const {
  std::vector<data::ChartPoint> points;
  for (const Bucket& bucket : buckets_) {
    const bool low_first = bucket.low.x <= bucket.high.x;
    points.push_back(low_first ? bucket.low : bucket.high);
    if (bucket.low.x != bucket.high.x) points.push_back(low_first ? bucket.high : bucket.low);
  }
  return points;
}

std::map<std::string, ThinCurve> read_curves(const std::filesystem::path& metrics_file, std::size_t most,
                                             std::size_t& left_out) {
  constexpr std::size_t kMaxNames = 10000;
  std::map<std::string, ThinCurve> curves;
  std::set<std::string> others;
  left_out = 0;
  std::ifstream file(metrics_file, std::ios::binary);
  if (!file && errno == ENOENT) return curves;
  if (!file)
    throw data::Error(data::Error::Kind::kInputOutput, metrics_file.string() + ": cannot be read: " +
                                                           std::strerror(errno) + "; check its permissions");
  JsonLines lines(file);
  while (const auto line = lines.next()) {
    // The last one of a run that is being written may be cut.
    if (!line->problem.empty() || !line->row.contains("step") || !line->row["step"].is_number()) continue;
    const double step = line->row["step"].get<double>();
    for (const auto& [name, value] : line->row.items()) {
      if (name == "step" || !value.is_number()) continue;
      if (curves.size() < most || curves.contains(name))
        curves[name].add(step, value.get<double>());
      else if (others.size() < kMaxNames)
        others.insert(name);
    }
  }
  left_out = others.size();
  return curves;
}

}  // namespace caravan::recipes
