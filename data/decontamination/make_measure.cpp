#include "data/decontamination/make_measure.h"

#include "data/decontamination/embedding_cosine.h"
#include "data/decontamination/ngram_coverage.h"
#include "data/decontamination/weighted_coverage.h"
#include "data/decontamination/word_overlap.h"
#include "data/error.h"

namespace caravan::data {

std::unique_ptr<Measure> make_measure(MeasureName name, const EvalIndex& index, double min_score,
                                      DocumentCounts counts, const TextEmbedder* embedder) {
  switch (name) {
    case MeasureName::kWeighted:
      return std::make_unique<WeightedCoverage>(index, min_score);
    case MeasureName::kCov8:
    case MeasureName::kCov8Last:
    case MeasureName::kCov8Nb:
    case MeasureName::kAny13:
      return std::make_unique<NgramCoverage>(index, name, min_score);
    case MeasureName::kJaccard:
    case MeasureName::kTf:
    case MeasureName::kTfidf:
      return std::make_unique<WordOverlap>(index, name, min_score, std::move(counts));
    case MeasureName::kEmbedding:
      if (embedder != nullptr) return std::make_unique<EmbeddingCosine>(index, *embedder, min_score);
  }
  throw Error(Error::Kind::kUsage, "the measure embedding needs a model that embeds texts");
}

}  // namespace caravan::data
