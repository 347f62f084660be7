// Micro-batches with what the reference says of them: a decorator, so that neither the loop nor the objective
// knows where that comes from.
#pragma once

#include "trainer/batch_source.h"
#include "trainer/reference/reference_pass.h"
#include "trainer/reference/reference_values.h"

namespace caravan::trainer {

// From values that are there already.
class CachedReferenceSource : public BatchSource {
 public:
  // Both must outlive the source.
  CachedReferenceSource(BatchSource& batches, const ReferenceValues& values)
      : batches_(batches), values_(values) {}

  std::int64_t num_steps() const override { return batches_.num_steps(); }
  std::vector<data::MicroBatch> micro_batches(std::int64_t step) override;
  double epochs_after(std::int64_t step) const override { return batches_.epochs_after(step); }
  std::string name_of(const data::SourceLine& where) const override { return batches_.name_of(where); }

 private:
  BatchSource& batches_;
  const ReferenceValues& values_;
};

// From a second copy in memory, which all ranks ask together: micro_batches is collective.
class LiveReferenceSource : public BatchSource {
 public:
  LiveReferenceSource(BatchSource& batches, ReferencePass& pass) : batches_(batches), pass_(pass) {}

  std::int64_t num_steps() const override { return batches_.num_steps(); }
  std::vector<data::MicroBatch> micro_batches(std::int64_t step) override;
  double epochs_after(std::int64_t step) const override { return batches_.epochs_after(step); }
  std::string name_of(const data::SourceLine& where) const override { return batches_.name_of(where); }

 private:
  BatchSource& batches_;
  ReferencePass& pass_;
};

}  // namespace caravan::trainer
