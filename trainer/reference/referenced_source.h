// Micro-batches with what the reference says of them: a decorator, so that neither the loop nor the objective
// knows where that comes from.
#pragma once

#include "trainer/batch_source.h"
#include "trainer/reference/reference_pass.h"
#include "trainer/reference/reference_values.h"

namespace caravan::trainer {

// All but the micro-batches as the source beneath has it, which must outlive this.
class ReferencedSource : public BatchSource {
 public:
  explicit ReferencedSource(BatchSource& batches) : batches_(batches) {}

  std::int64_t num_steps() const override { return batches_.num_steps(); }
  double epochs_after(std::int64_t step) const override { return batches_.epochs_after(step); }
  std::string name_of(const data::SourceLine& where) const override { return batches_.name_of(where); }

 protected:
  BatchSource& batches_;
};

// From values that are there already, and outlive the source.
class CachedReferenceSource : public ReferencedSource {
 public:
  CachedReferenceSource(BatchSource& batches, const ReferenceValues& values)
      : ReferencedSource(batches), values_(values) {}
  std::vector<data::MicroBatch> micro_batches(std::int64_t step) override;

 private:
  const ReferenceValues& values_;
};

// From a second copy in memory, which all ranks ask together: micro_batches is collective.
class LiveReferenceSource : public ReferencedSource {
 public:
  LiveReferenceSource(BatchSource& batches, ReferencePass& pass) : ReferencedSource(batches), pass_(pass) {}
  std::vector<data::MicroBatch> micro_batches(std::int64_t step) override;

 private:
  ReferencePass& pass_;
};

}  // namespace caravan::trainer
