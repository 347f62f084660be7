// One item against one stretch of a text: the best window of it. Private to the weighted measure.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "data/decontamination/weighted_items.h"

namespace caravan::data {

// Working memory of one thread.
class ItemWindow {
 public:
  explicit ItemWindow(const WeightedItems& items);

  // Words that a window in the item's order may spread over, and one out of order.
  static std::uint32_t reach(std::uint32_t num_words) { return num_words + num_words / 2 + 8; }
  static std::uint32_t tight_reach(std::uint32_t num_words) { return num_words + num_words / 4 + 2; }

  // `text`: numbers of words, WordTable::kUnknown where the items have no such word. 0 where the words of the
  // whole text together do not reach `min_score`.
  double score(std::uint32_t item, std::span<const std::uint32_t> text, double min_score);

 private:
  struct Hit {
    std::uint32_t at = 0;     // in the text
    std::uint32_t place = 0;  // in the item
  };
  void prepare(std::uint32_t item);
  bool has_enough(std::span<const std::uint32_t> text, double min_score);
  const WordPlaces* group_of(std::uint32_t word) const {
    return word == WordTable::kUnknown || group_stamp_[word] != stamp_ ? nullptr : group_[word];
  }
  void add_runs(std::span<const std::uint32_t> text, std::uint32_t at, const WordPlaces& group);
  void cover(std::uint32_t place);
  void uncover(std::uint32_t place);
  void count_word(const WordPlaces* group, bool enters);
  void judge();

  const WeightedItems& items_;
  std::vector<const WordPlaces*> group_;  // per word of the table
  std::vector<std::uint32_t> group_stamp_;
  std::uint32_t stamp_ = 0;

  // The present item.
  std::span<const std::uint32_t> words_;
  std::span<const double> weights_;
  const WordPlaces* first_group_ = nullptr;
  double weight_ = 0.0;
  std::uint32_t run_words_ = 3;

  // The present window.
  std::deque<Hit> hits_;
  std::vector<std::uint32_t> covered_;  // per word of the item: runs that cover it
  double covered_weight_ = 0.0, covered_nats_ = 0.0;
  std::vector<std::uint32_t> present_;  // per different word of the item: how often the window has it
  double present_weight_ = 0.0, present_nats_ = 0.0;
  double best_ = 0.0;
};

}  // namespace caravan::data
