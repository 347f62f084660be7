// Where reported metrics go: a file, TensorBoard, the terminal. Only rank 0 owns sinks.
#pragma once

#include <cstdint>
#include <span>

#include "trainer/metrics/metric.h"

namespace caravan::trainer {

class Sink {
 public:
  virtual ~Sink() = default;

  // The values of one step; several calls may report the same step (training, then evaluation), steps never
  // go back. Throws Error (input/output) where the values cannot be kept, disk full included: metrics that
  // vanish in silence mislead.
  virtual void write(std::int64_t step, std::span<const MetricValue> values) = 0;

  // Everything written so far is on the disk when it returns. Called before a checkpoint is declared
  // complete, so that a run resumed from it finds every row up to its step.
  virtual void flush() = 0;
};

}  // namespace caravan::trainer
