// Curves of metrics.jsonl, thin enough to draw: of any number of steps at most 600 points, with every peak
// and every valley of the whole among them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/page/svg_chart.h"

namespace caravan::recipes {

// One curve while it is read, in buckets of steps that keep their lowest and highest value. Values that are
// no number count, and are not drawn.
class ThinCurve {
 public:
  void add(double step, double value);
  std::vector<data::ChartPoint> points() const;
  std::uint64_t num_values() const { return values_; }

 private:
  struct Bucket {
    data::ChartPoint low, high;
  };
  static constexpr std::size_t kMaxBuckets = 300;
  std::vector<Bucket> buckets_;
  std::uint64_t values_ = 0, in_last_ = 0, per_bucket_ = 1;
};

// By metric. Of a run that went on from a checkpoint, a step that comes again replaces nothing: the run cuts
// such lines itself. Metrics beyond `most` are left out, and counted in `left_out`.
std::map<std::string, ThinCurve> read_curves(const std::filesystem::path& metrics_file, std::size_t most,
                                             std::size_t& left_out);

}  // namespace caravan::recipes
