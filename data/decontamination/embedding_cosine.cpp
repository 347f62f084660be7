#include "data/decontamination/embedding_cosine.h"

#include <algorithm>
#include <cmath>

#include "data/error.h"

namespace caravan::data {

namespace {

std::vector<float> unit_vectors(const TextEmbedder& embedder, std::span<const std::string_view> texts) {
  const std::size_t width = embedder.num_dimensions();
  std::vector<float> vectors(texts.size() * width);
  embedder.embed(texts, vectors);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::span<float> vector = std::span(vectors).subspan(i * width, width);
    double squares = 0.0;
    for (const float x : vector) squares += static_cast<double>(x) * x;
    const double norm = std::sqrt(squares);
    if (!std::isfinite(norm) || norm == 0.0) {
      throw Error(Error::Kind::kData, embedder.name() + " gave a vector of length " + std::to_string(norm) +
                                          " for a text of " + std::to_string(texts[i].size()) +
                                          " bytes; a finite length above 0 is needed");
    }
    for (float& x : vector) x = static_cast<float>(x / norm);
  }
  return vectors;
}

// Those of the index where it has any.
std::vector<float> vectors_of(const EvalIndex& index, const TextEmbedder& embedder) {
  const ItemVectors& saved = index.vectors();
  if (saved.embedder.empty()) return embed_items(index.items(), embedder).numbers;
  if (saved.embedder == embedder.name() && saved.width == embedder.num_dimensions()) return saved.numbers;
  throw Error(Error::Kind::kUsage, "the index has the vectors of " + saved.embedder +
                                       ", and the embedder is " + embedder.name() +
                                       "; take that one, or make the index again with --save-index");
}

}  // namespace

ItemVectors embed_items(const EvalItems& items, const TextEmbedder& embedder) {
  std::vector<std::string_view> texts;
  for (const EvalItem& item : items.items) texts.push_back(item.text);
  return {embedder.name(), embedder.num_dimensions(), unit_vectors(embedder, texts)};
}

EmbeddingCosine::EmbeddingCosine(const EvalIndex& index, const TextEmbedder& embedder, double min_score)
    : embedder_(embedder),
      min_score_(min_score),
      items_(vectors_of(index, embedder)),
      common_(items_, embedder.num_dimensions()) {
  items_ = without_common(std::move(items_));
}

std::vector<float> EmbeddingCosine::without_common(std::vector<float> vectors) const {
  const std::size_t width = embedder_.num_dimensions();
  for (std::size_t i = 0; i < vectors.size(); i += width)
    common_.remove(std::span(vectors).subspan(i, width));
  return vectors;
}

std::vector<float> EmbeddingCosine::embed(std::span<const std::string_view> texts) const {
  return without_common(unit_vectors(embedder_, texts));
}

class EmbeddingSearcher : public Searcher {
 public:
  explicit EmbeddingSearcher(const EmbeddingCosine& measure) : measure_(measure) {}

  void search(const RowWords& row, std::vector<ItemScore>& found) override {
    found.clear();
    std::vector<std::string_view> texts;
    for (const RowWords::Part& part : row.parts) {
      const std::string& text = row.row->messages[part.message].content;
      if (!text.empty()) texts.push_back(text);
    }
    const std::vector<float> vectors = measure_.embed(texts);
    const std::size_t width = measure_.embedder_.num_dimensions(), num_items = measure_.items_.size() / width;
    for (std::uint32_t item = 0; item < num_items; ++item) {
      double best = 0.0;
      for (std::size_t i = 0; i < texts.size(); ++i) {
        double dot = 0.0;
        for (std::size_t k = 0; k < width; ++k)
          dot += static_cast<double>(vectors[i * width + k]) * measure_.items_[item * width + k];
        best = std::max(best, std::min(dot, 1.0));
      }
      if (best > 0.0 && best >= measure_.min_score_) found.push_back({item, best});
    }
  }

 private:
  const EmbeddingCosine& measure_;
};

std::unique_ptr<Searcher> EmbeddingCosine::make_searcher() const {
  return std::make_unique<EmbeddingSearcher>(*this);
}

}  // namespace caravan::data
