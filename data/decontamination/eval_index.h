// Evaluation items as numbers: what every measure is built on. Made once, saved, and read again
// (eval_index_file.h); immutable and thread safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/decontamination/eval_items.h"
#include "data/decontamination/word_table.h"
#include "data/words/words.h"

namespace caravan::data {

// The items' texts under one folding.
struct ItemWords {
  WordTable table;
  std::vector<std::uint64_t> begins = {0};  // per item and one more, into words
  std::vector<std::uint32_t> words;         // numbers of the table

  std::span<const std::uint32_t> of(std::uint32_t item) const {
    return std::span(words).subspan(begins[item], begins[item + 1] - begins[item]);
  }
  std::uint32_t num_items() const { return static_cast<std::uint32_t>(begins.size() - 1); }
};

// The items' texts as an embedder sees them: unit vectors, one after the other.
struct ItemVectors {
  std::string embedder;  // its name(); empty: there are none
  std::uint64_t width = 0;
  std::vector<float> numbers;
};

class EvalIndex {
 public:
  explicit EvalIndex(EvalItems items);
  // From parts that were saved.
  EvalIndex(EvalItems items, ItemWords reference, ItemWords lookalikes, ItemVectors vectors)
      : items_(std::move(items)),
        reference_(std::move(reference)),
        lookalikes_(std::move(lookalikes)),
        vectors_(std::move(vectors)) {}

  const EvalItems& items() const { return items_; }
  std::uint32_t num_items() const { return static_cast<std::uint32_t>(items_.items.size()); }
  const ItemWords& words(Folding folding) const {
    return folding == Folding::kReference ? reference_ : lookalikes_;
  }
  const ItemVectors& vectors() const { return vectors_; }
  // Before others look at the index.
  void set_vectors(ItemVectors vectors) { vectors_ = std::move(vectors); }

 private:
  EvalItems items_;
  ItemWords reference_, lookalikes_;
  ItemVectors vectors_;
};

// Number of items that have each word.
std::vector<std::uint32_t> count_items_with(const ItemWords& items);

}  // namespace caravan::data
