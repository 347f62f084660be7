// What a launch came to: steps, tokens, seconds, and where the losses began and ended. For the run card and
// the last line that a person reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/metrics/sink.h"

namespace caravan::trainer {

class RunTotals : public Sink {
 public:
  void write(std::int64_t step, std::span<const MetricValue> values) override;
  void flush() override {}
  // Losses of launches before, in their order, from the metrics.jsonl that this one goes on with: a run's
  // last line tells of all of it. Rows that cannot be read are passed over.
  void recall(const std::filesystem::path& metrics_file);

  // {"steps", "tokens", "step_seconds", "tokens_per_second", "peak_bytes", "first", "last"}: tokens and
  // seconds of training steps alone, first and last being the losses of this launch by name.
  nlohmann::ordered_json to_json() const;
  // "12 steps, 97,988 tokens in 00:09 of steps, 00:31 in all (11,528 tokens/s), peak memory 0.7 GiB,
  // eval/loss 7.1421 -> 3.3671". Batches differ, so train/loss is there as the means of the first and the
  // last tenth of the steps, from 20 steps on.
  std::string summary(double wall_seconds) const;

 private:
  void note_loss(const std::string& name, double value);

  std::vector<double> train_losses_;                        // of the whole run
  std::map<std::string, double> whole_first_, whole_last_;  // other losses, of the whole run
  std::int64_t steps_ = 0;
  std::int64_t tokens_ = 0;
  double step_seconds_ = 0;
  double peak_bytes_ = 0;
  std::map<std::string, double> first_, last_;
};

}  // namespace caravan::trainer
