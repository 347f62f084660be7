// From the name of a measure to the measure.
#pragma once

#include <memory>

#include "data/decontamination/document_counts.h"
#include "data/decontamination/eval_index.h"
#include "data/decontamination/measure.h"

namespace caravan::data {

// `index` must outlive the measure. `counts` matters to kTfidf only. Throws data::Error(kUsage) for
// kEmbedding: it is made with its model (embedding_cosine.h).
std::unique_ptr<Measure> make_measure(MeasureName name, const EvalIndex& index, double least_score,
                                      DocumentCounts counts = {});

}  // namespace caravan::data
