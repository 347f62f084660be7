// Cosine of dense embeddings, less what all of them have in common (common_directions.h): finds paraphrase
// and translation, where the words differ. 0 where it would be negative.
#pragma once

#include "data/decontamination/common_directions.h"
#include "data/decontamination/eval_index.h"
#include "data/decontamination/measure.h"
#include "data/decontamination/text_embedder.h"

namespace caravan::data {

class EmbeddingCosine : public Measure {
 public:
  // Takes the vectors of the index, or embeds every item where it has none; `index` and `embedder` must
  // outlive this. Throws data::Error: (usage) where the index has those of another embedder, (data) for
  // vectors that are not finite or are zero.
  EmbeddingCosine(const EvalIndex& index, const TextEmbedder& embedder, double min_score);

  Folding folding() const override { return Folding::kReference; }
  std::unique_ptr<Searcher> make_searcher() const override;

 private:
  friend class EmbeddingSearcher;
  // Unit vectors, one after the other, without what is common.
  std::vector<float> embed(std::span<const std::string_view> texts) const;
  std::vector<float> without_common(std::vector<float> vectors) const;

  const TextEmbedder& embedder_;
  double min_score_;
  std::vector<float> items_;
  CommonDirections common_;
};

// Of all items, for the index. Throws data::Error(kData) as EmbeddingCosine does.
ItemVectors embed_items(const EvalItems& items, const TextEmbedder& embedder);

}  // namespace caravan::data
