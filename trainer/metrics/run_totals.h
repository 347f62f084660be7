// What a launch came to: steps, tokens, seconds, and where the losses began and ended. For the run card and
// the last line that a person reads.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "trainer/metrics/sink.h"

namespace caravan::trainer {

class RunTotals : public Sink {
 public:
  void write(std::int64_t step, std::span<const MetricValue> values) override;
  void flush() override {}

  // {"steps", "tokens", "step_seconds", "tokens_per_second", "peak_bytes", "first", "last"}: tokens and
  // seconds of training steps alone, first and last being the losses of this launch by name.
  nlohmann::ordered_json to_json() const;
  // "12 steps, 97,988 tokens in 00:09 (11,528 tokens/s), peak memory 0.7 GiB, eval/loss 7.1421 -> 3.3671".
  std::string summary() const;

 private:
  std::int64_t steps_ = 0;
  std::int64_t tokens_ = 0;
  double step_seconds_ = 0;
  double peak_bytes_ = 0;
  std::map<std::string, double> first_, last_;
};

}  // namespace caravan::trainer
