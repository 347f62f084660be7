// Where the micro-batches of a step come from: tokenized files now, rollouts of the policy later. The one
// loop does not know which.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/loader/training_data.h"

namespace caravan::trainer {

class BatchSource {
 public:
  virtual ~BatchSource() = default;

  virtual std::int64_t num_steps() const = 0;
  // The micro-batches of a step (steps count from 0): a pure function of the step, so that resuming skips
  // nothing. Throws data::Error.
  virtual std::vector<data::MicroBatch> micro_batches(std::int64_t step) = 0;
  // Epochs seen after the step, for reports.
  virtual double epochs_after(std::int64_t step) const = 0;
  // "chats.jsonl:17" for messages.
  virtual std::string name_of(const data::SourceLine& where) const = 0;
};

// The steps of a plan over tokenized data; the next step's batches are prepared on a thread while this one
// computes.
class PlannedSource : public BatchSource {
 public:
  // Both must outlive the source.
  PlannedSource(const data::TrainingData& data, const data::BatchPlan& plan);
  ~PlannedSource() override;

  std::int64_t num_steps() const override { return plan_.num_steps(); }
  std::vector<data::MicroBatch> micro_batches(std::int64_t step) override;
  double epochs_after(std::int64_t step) const override { return plan_.epochs_after(step); }
  std::string name_of(const data::SourceLine& where) const override { return data_.name_of(where); }

 private:
  std::vector<data::MicroBatch> read(std::int64_t step) const;

  struct Prefetch;
  const data::TrainingData& data_;
  const data::BatchPlan& plan_;
  std::unique_ptr<Prefetch> next_;
};

}  // namespace caravan::trainer
