#include "trainer/reference/referenced_source.h"

#include "trainer/error.h"

namespace caravan::trainer {

namespace {

void fill_in(data::MicroBatch& batch, const ReferenceValues& values) {
  batch.reference_log_probs.assign(batch.ids.size(), 0.f);
  std::size_t used = 0;
  for (std::size_t d = 0; d < batch.document_indices.size(); ++d) {
    // A second side goes on where the first ended.
    if (batch.roles.empty() || !data::is_second_side(batch.roles[d])) used = 0;
    const std::span<const float> stored = values.of(batch.document_indices[d]);
    for (auto t = static_cast<std::size_t>(batch.doc_starts[d]);
         t < static_cast<std::size_t>(batch.doc_starts[d + 1]); ++t) {
      if (batch.weights[t] == 0.f) continue;
      if (used >= stored.size())
        throw Error(Error::Kind::kInternalCheck,
                    "reference: a document has more trained tokens than its stored log-probabilities; "
                    "please report this defect");
      batch.reference_log_probs[t] = stored[used++];
    }
  }
}

}  // namespace

std::vector<data::MicroBatch> CachedReferenceSource::micro_batches(std::int64_t step) {
  std::vector<data::MicroBatch> batches = batches_.micro_batches(step);
  for (data::MicroBatch& batch : batches) fill_in(batch, values_);
  return batches;
}

std::vector<data::MicroBatch> LiveReferenceSource::micro_batches(std::int64_t step) {
  std::vector<data::MicroBatch> batches = batches_.micro_batches(step);
  std::vector<std::vector<float>> values = pass_.log_probs(batches);
  for (std::size_t i = 0; i < batches.size(); ++i) batches[i].reference_log_probs = std::move(values[i]);
  return batches;
}

}  // namespace caravan::trainer
