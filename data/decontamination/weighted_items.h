// Evaluation items with the weight of every word: how much it would tell a reader that a text has it.
//
// A word counts for its rarity among the items, 1 + ln((1 + items) / (1 + items with it)), divided by the
// number of items that share the words around it (the rarest run of 8 it stands in): what many items have in
// common, such as an instruction or a licence, is no sign of any one of them. Private to the measure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/decontamination/eval_index.h"
#include "data/decontamination/run_seeds.h"

namespace caravan::data {

struct WeightedItem {
  std::uint32_t first_word = 0;  // into the words of ItemWords, weights and information
  std::uint32_t num_words = 0;
  std::uint32_t first_group = 0;  // its different words
  std::uint32_t num_groups = 0;
  double weight = 0.0;               // sum over its words
  double information = 0.0;          // of all its words, in nats
  std::uint32_t first_bit = 0;       // into the weights of its seeds' bits
  float seed_weight_needed = 0;      // that a window must have at least
  float seed_weight_beside_run = 0;  // and one that shares a run of runs()
};

// One different word of an item and where it stands, heaviest places first.
struct WordPlaces {
  std::uint32_t word = 0;
  std::uint32_t first = 0;  // into WeightedItems::places
  std::uint32_t count = 0;
};

// A word of an item that a search looks for first. Seeds of an item are told apart by one of 64 bits; where
// there are more, some share a bit, which then counts for all of them.
struct Seed {
  std::uint32_t item = 0;
  std::uint32_t bit = 0;
  float weight = 0;  // of all seeds of this bit
};

class WeightedItems {
 public:
  static constexpr std::uint32_t kBits = 64;
  // What the words found must carry together to count in full; see weighted_coverage.h.
  static constexpr double kConvincingNats = 40.0;

  // `items` must outlive this. Items that score less than `min_score` need not be found.
  WeightedItems(const ItemWords& items, double min_score);

  const ItemWords& items() const { return items_; }
  const WeightedItem& item(std::uint32_t item) const { return weighted_[item]; }
  std::span<const std::uint32_t> words(std::uint32_t item) const { return items_.of(item); }
  // Per word of the item.
  std::span<const double> weights(const WeightedItem& item) const {
    return std::span(weights_).subspan(item.first_word, item.num_words);
  }
  // Surprise of a word in nats, by its frequency in the items.
  double information(std::uint32_t word) const { return information_[word]; }
  std::span<const WordPlaces> groups(const WeightedItem& item) const {
    return std::span(groups_).subspan(item.first_group, item.num_groups);
  }
  std::span<const std::uint32_t> places(const WordPlaces& group) const {
    return std::span(places_).subspan(group.first, group.count);
  }
  // Items that have `word` among their seeds.
  std::span<const Seed> seeded(std::uint32_t word) const {
    return std::span(seeded_).subspan(first_seeded_[word], first_seeded_[word + 1] - first_seeded_[word]);
  }
  // Items in which a matching run of these words may be the first sign of a score in order.
  const RunSeeds& runs() const { return runs_; }
  float bit_weight(const WeightedItem& item, std::uint32_t bit) const {
    return bit_weights_[item.first_bit + bit];
  }

 private:
  void weigh_words();
  void group_words(std::uint32_t item);
  void choose_seeds(std::uint32_t item, double min_score, const std::vector<std::uint32_t>& frequency,
                    std::vector<std::vector<Seed>>& seeded);

  const ItemWords& items_;
  std::vector<WeightedItem> weighted_;
  std::vector<double> weights_;
  std::vector<double> information_;
  std::vector<WordPlaces> groups_;
  std::vector<std::uint32_t> places_;
  void choose_runs(std::uint32_t item, double min_score);

  RunSeeds runs_;
  std::vector<double> count_;  // per word of the table, in all items
  std::vector<std::uint32_t> first_seeded_;
  std::vector<Seed> seeded_;
  std::vector<float> bit_weights_;  // kBits per item
};

}  // namespace caravan::data
