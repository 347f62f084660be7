#include "data/decontamination/eval_index.h"

namespace caravan::data {
namespace {

ItemWords number_words(const EvalItems& items, Folding folding) {
  ItemWords numbered;
  const WordSplitter splitter(folding);
  Words words;
  for (const EvalItem& item : items.items) {
    splitter.split(item.text, words);
    for (std::size_t i = 0; i < words.size(); ++i)
      numbered.words.push_back(numbered.table.add(words.letters(i), words[i].hash));
    numbered.begins.push_back(numbered.words.size());
  }
  return numbered;
}

}  // namespace

EvalIndex::EvalIndex(EvalItems items)
    : items_(std::move(items)),
      reference_(number_words(items_, Folding::kReference)),
      lookalikes_(number_words(items_, Folding::kLookalikes)) {}

std::vector<std::uint32_t> count_items_with(const ItemWords& items) {
  std::vector<std::uint32_t> count(items.table.size(), 0), last(items.table.size(), UINT32_MAX);
  for (std::uint32_t item = 0; item < items.num_items(); ++item) {
    for (const std::uint32_t word : items.of(item)) {
      if (last[word] == item) continue;
      last[word] = item;
      ++count[word];
    }
  }
  return count;
}

}  // namespace caravan::data
