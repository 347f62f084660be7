// Measures that forget the order of words: Jaccard of the word sets, cosine of word counts, and cosine of
// counts weighed by rarity over the training rows and items (tfidf).
//
// Only items that can reach the threshold are looked at: an item is entered under its rarest words, as many
// as a text must share one of to reach it. With a threshold of 0 every item that shares a word is scored.
#pragma once

#include <memory>

#include "data/decontamination/document_counts.h"
#include "data/decontamination/eval_index.h"
#include "data/decontamination/measure.h"

namespace caravan::data {

class WordOverlap : public Measure {
 public:
  // kJaccard, kTf or kTfidf. kTfidf needs `counts` of all messages of the training rows; the items are added
  // by this. `index` must outlive this.
  WordOverlap(const EvalIndex& index, MeasureName name, double min_score, DocumentCounts counts = {});

  Folding folding() const override { return Folding::kReference; }
  std::unique_ptr<Searcher> make_searcher() const override;
  const DocumentCounts& counts() const { return counts_; }

 private:
  friend class OverlapSearcher;
  struct WordCount {
    std::uint32_t word = 0;
    double weight = 0.0;  // jaccard 1; tf the count; tfidf the count times the word's weight
  };
  void add_item(std::span<const std::uint32_t> words);
  void choose_entry_words();
  std::size_t num_entry_words(std::span<const WordCount> item, double norm) const;

  const ItemWords& items_;
  MeasureName name_;
  double min_score_;
  DocumentCounts counts_;
  std::vector<double> word_weight_;                  // per word of the table, without the count
  std::vector<std::size_t> begins_ = {0};            // per item, into words_
  std::vector<WordCount> words_;                     // different words of each item, rarest first
  std::vector<double> norm_;                         // per item; Jaccard: number of different words
  std::vector<std::vector<std::uint32_t>> entered_;  // per word, the items entered under it
};

}  // namespace caravan::data
