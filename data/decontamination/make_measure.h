// From the name of a measure to the measure.
#pragma once

#include <memory>

#include "data/decontamination/document_counts.h"
#include "data/decontamination/eval_index.h"
#include "data/decontamination/measure.h"
#include "data/decontamination/text_embedder.h"

namespace caravan::data {

// `index` and `embedder` must outlive the measure. `counts` matters to kTfidf only, `embedder` to kEmbedding.
// Throws data::Error as EmbeddingCosine does, and (usage) for kEmbedding without an embedder.
std::unique_ptr<Measure> make_measure(MeasureName name, const EvalIndex& index, double min_score,
                                      DocumentCounts counts = {}, const TextEmbedder* embedder = nullptr);

}  // namespace caravan::data
