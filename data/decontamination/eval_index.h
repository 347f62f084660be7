// Evaluation items as numbers: what every measure of words is built on. Made once, saved, and read again
// (eval_index_file.h); immutable and thread safe.
#pragma once

#include <cstdint>
#include <span>
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

class EvalIndex {
 public:
  explicit EvalIndex(EvalItems items);
  // From parts that were saved.
  EvalIndex(EvalItems items, ItemWords reference, ItemWords lookalikes)
      : items_(std::move(items)), reference_(std::move(reference)), lookalikes_(std::move(lookalikes)) {}

  const EvalItems& items() const { return items_; }
  std::uint32_t num_items() const { return static_cast<std::uint32_t>(items_.items.size()); }
  const ItemWords& words(Folding folding) const {
    return folding == Folding::kReference ? reference_ : lookalikes_;
  }

 private:
  EvalItems items_;
  ItemWords reference_, lookalikes_;
};

// Number of items that have each word.
std::vector<std::uint32_t> count_items_with(const ItemWords& items);

}  // namespace caravan::data
