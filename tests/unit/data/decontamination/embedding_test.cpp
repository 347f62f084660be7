// The cosine of embeddings, with vectors made up for the test.
#include "data/decontamination/embedding_cosine.h"

#include <gtest/gtest.h>

#include <cmath>

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

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0.0, aa = 0.0, bb = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    dot += static_cast<double>(a[k]) * b[k];
    aa += static_cast<double>(a[k]) * a[k];
    bb += static_cast<double>(b[k]) * b[k];
  }
  return dot / std::sqrt(aa * bb);
}

// Vectors as of a language model: a large part that all share, two directions in which all differ much, and
// something of their own.
std::vector<float> narrow_cone(std::size_t num_vectors, std::size_t width) {
  std::vector<float> vectors(num_vectors * width, 0.0F);
  for (std::size_t i = 0; i < num_vectors; ++i) {
    float* vector = vectors.data() + i * width;
    vector[0] = 50.0F;
    vector[1] = 5.0F * std::sin(static_cast<float>(i));
    vector[2] = 4.0F * std::cos(1.7F * static_cast<float>(i));
    vector[3 + i % (width - 3)] = 1.0F;
  }
  return vectors;
}

TEST(CommonDirections, WhatIsLeftTellsTextsApart) {
  constexpr std::size_t kWidth = 43, kVectors = 80;
  std::vector<float> vectors = narrow_cone(kVectors, kWidth);
  const auto at = [&](std::size_t i) { return std::span(vectors).subspan(i * kWidth, kWidth); };
  EXPECT_GT(cosine(at(0), at(1)), 0.97);
  const CommonDirections common(vectors, kWidth);
  EXPECT_EQ(common.num_directions(), 2u);
  for (std::size_t i = 0; i < kVectors; ++i) common.remove(at(i));
  for (std::size_t i = 1; i < 40; ++i) EXPECT_LT(std::abs(cosine(at(0), at(i))), 0.2) << i;
  EXPECT_GT(cosine(at(0), at(40)), 0.95);  // its own part is the same
  EXPECT_NEAR(cosine(at(0), at(0)), 1.0, 1e-6);
}

TEST(CommonDirections, FewVectorsTeachNothing) {
  std::vector<float> vectors = narrow_cone(CommonDirections::kFewestVectors - 1, 43);
  const std::vector<float> before = vectors;
  const CommonDirections common(vectors, 43);
  common.remove(std::span(vectors).first(43));
  EXPECT_EQ(vectors, before);
}

TEST(CommonDirections, EqualVectorsLeaveNothing) {
  std::vector<float> vectors;
  for (int i = 0; i < 70; ++i) vectors.insert(vectors.end(), {0.6F, 0.8F, 0.0F});
  const CommonDirections common(vectors, 3);
  common.remove(std::span(vectors).first(3));
  EXPECT_EQ(vectors[0], 0.0F);
  EXPECT_EQ(vectors[1], 0.0F);
}

TEST(EmbeddingCosine, VectorsOfTheIndexAreThoseOfItsEmbedder) {
  EvalItems items;
  items.sets.push_back({"set", {}});
  for (const char* text : {"aab", "d"}) items.items.push_back({0, text, text});
  EvalIndex index(items);
  const LetterCounts embedder;
  ItemVectors saved = embed_items(index.items(), embedder);
  EXPECT_EQ(saved.numbers.size(), 8u);
  std::swap(saved.numbers[0], saved.numbers[3]);  // to be told from those made anew
  index.set_vectors(saved);
  EXPECT_LT(search(EmbeddingCosine(index, embedder, 0.01), {"aab"})[0].score, 0.9);
  saved.embedder = "another";
  index.set_vectors(saved);
  EXPECT_THROW(EmbeddingCosine(index, embedder, 0.5), Error);
}

}  // namespace
}  // namespace caravan::data
