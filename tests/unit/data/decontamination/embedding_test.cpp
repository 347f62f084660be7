// The cosine of embeddings, with vectors made up for the test.
#include "data/decontamination/embedding_cosine.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace caravan::data {
namespace {

// A text's vector is how often it has each of four letters.
class LetterCounts : public TextEmbedder {
 public:
  std::string name() const override { return "letter-counts"; }
  std::size_t num_dimensions() const override { return 4; }
  void embed(std::span<const std::string_view> texts, std::span<float> vectors) const override {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      for (std::size_t k = 0; k < 4; ++k)
        vectors[i * 4 + k] = static_cast<float>(std::count(texts[i].begin(), texts[i].end(), "abcd"[k]));
    }
  }
};

std::vector<ItemScore> search(const Measure& measure, const std::vector<std::string>& turns) {
  Conversation row;
  for (const std::string& turn : turns) row.messages.push_back({"user", turn, nullptr});
  RowWords words;
  split_row(row, SearchScope::kAll, WordSplitter(measure.folding()), words);
  std::vector<ItemScore> found;
  measure.make_searcher()->search(words, found);
  return found;
}

TEST(EmbeddingCosine, IsTheBestCosineOfAnyMessage) {
  EvalItems items;
  items.sets.push_back({"set", {}});
  for (const char* text : {"aab", "d", "ab"}) items.items.push_back({0, text, text});
  const EvalIndex index(items);
  const LetterCounts embedder;
  const EmbeddingCosine measure(index, embedder, 0.5);
  const auto found = search(measure, {"c", "aab", ""});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].item, 0u);
  EXPECT_NEAR(found[0].score, 1.0, 1e-6);
  EXPECT_EQ(found[1].item, 2u);
  EXPECT_NEAR(found[1].score, 3.0 / std::sqrt(10.0), 1e-6);
  EXPECT_THROW(search(measure, {"xyz"}), Error);  // the zero vector
}

}  // namespace
}  // namespace caravan::data
