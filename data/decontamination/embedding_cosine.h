// Cosine of dense embeddings: finds paraphrase and translation, where the words differ. 0 where it would be
// negative.
#pragma once

#include "data/decontamination/eval_index.h"
#include "data/decontamination/measure.h"
#include "data/decontamination/text_embedder.h"

namespace caravan::data {

class EmbeddingCosine : public Measure {
 public:
  // Embeds every item; `index` and `embedder` must outlive this. Throws data::Error(kData) for vectors that
  // are not finite or are zero.
  EmbeddingCosine(const EvalIndex& index, const TextEmbedder& embedder, double least_score);

  Folding folding() const override { return Folding::kReference; }
  std::unique_ptr<Searcher> make_searcher() const override;

 private:
  friend class EmbeddingSearcher;
  // Unit vectors, one after the other.
  std::vector<float> embed(std::span<const std::string_view> texts) const;

  const TextEmbedder& embedder_;
  double least_score_;
  std::vector<float> items_;
};

}  // namespace caravan::data
