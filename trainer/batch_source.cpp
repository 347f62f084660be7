#include "trainer/batch_source.h"

#include <future>

#include "trainer/fault_point.h"

namespace caravan::trainer {

struct PlannedSource::Prefetch {
  std::int64_t step = -1;
  std::future<std::vector<data::MicroBatch>> batches;
};

PlannedSource::PlannedSource(const data::TrainingData& data, const data::BatchPlan& plan)
    : data_(data), plan_(plan), next_(std::make_unique<Prefetch>()) {}

PlannedSource::~PlannedSource() = default;

std::vector<data::MicroBatch> PlannedSource::read(std::int64_t step) const {
  fault_point("data");
  std::vector<data::MicroBatch> batches;
  for (const auto& documents : plan_.micro_batches(step)) batches.push_back(data_.micro_batch(documents));
  return batches;
}

std::vector<data::MicroBatch> PlannedSource::micro_batches(std::int64_t step) {
  const bool ready = next_->step == step;
  std::vector<data::MicroBatch> batches = ready ? next_->batches.get() : read(step);
  next_->step = -1;
  if (step + 1 < num_steps()) {
    next_->batches = std::async(std::launch::async, [this, step] { return read(step + 1); });
    next_->step = step + 1;
  }
  return batches;
}

}  // namespace caravan::trainer
