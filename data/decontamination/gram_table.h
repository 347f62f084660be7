// All runs of n words of the items, and where each occurs: one lookup per position of a training text.
//
// A bitmap that stays in the second-level cache answers for runs that no item has; a hit is confirmed on the
// letters of all n words. Immutable, thread safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/decontamination/eval_index.h"
#include "data/words/words.h"

namespace caravan::data {

class GramTable {
 public:
  struct Place {
    std::uint32_t item = 0;
    std::uint32_t position = 0;  // of the first word in the item
    bool last_in_item = false;   // the item does not have the run again further on
  };

  // `items` must outlive this.
  GramTable(const ItemWords& items, std::uint32_t n);
  std::uint32_t n() const { return n_; }
  std::uint32_t num_grams() const { return static_cast<std::uint32_t>(grams_.size()); }
  // Where a run occurs, by item and position; and in how many items.
  std::span<const Place> places(std::uint32_t gram) const {
    return std::span(places_).subspan(grams_[gram].first, grams_[gram].count);
  }
  std::uint32_t num_items_with(std::uint32_t gram) const { return grams_[gram].num_items; }

  // Calls visit(gram) for every position of words [first, end) where a known run begins.
  template <class Visit>
  void scan(const Words& words, std::size_t first, std::size_t end, Visit&& visit) const {
    if (end - first < n_ || grams_.empty()) return;
    std::uint64_t rolling = 0;
    for (std::size_t i = first; i < end; ++i) {
      rolling = rolling * kBase + words[i].hash;
      if (i - first >= n_) rolling -= words[i - n_].hash * leaving_;
      if (i - first + 1 < n_) continue;
      const std::uint64_t hash = rolling ^ rolling >> 29;
      if ((bitmap_[hash >> 6 & bitmap_mask_] >> (hash & 63) & 1) == 0) continue;
      const std::uint32_t gram = find(hash, words, i + 1 - n_);
      if (gram != kNone) visit(gram);
    }
  }

 private:
  static constexpr std::uint64_t kBase = 0x9fb21c651e98df25;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Gram {
    std::uint64_t hash = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t num_items = 0;
  };
  std::uint64_t hash_of(std::span<const std::uint32_t> run, const std::vector<std::uint64_t>& hashes) const;
  std::uint32_t find(std::uint64_t hash, const Words& words, std::size_t first) const;
  static void count_items(Gram& gram, std::span<Place> places);
  void fill_slots();

  const ItemWords& items_;
  std::uint32_t n_;
  std::uint64_t leaving_ = 1;
  std::vector<Gram> grams_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> slots_;  // gram plus one
  std::vector<std::uint64_t> bitmap_;
  std::uint64_t bitmap_mask_ = 0;
};

}  // namespace caravan::data
