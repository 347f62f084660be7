#include "data/decontamination/weighted_items.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/decontamination/gram_table.h"

namespace caravan::data {
namespace {

constexpr std::uint32_t kRunWords = 8;
constexpr std::uint32_t kRunSeedWords = 3;

// Per word of all items: one over the number of items that share the rarest run around it.
std::vector<double> find_ownership(const ItemWords& items) {
  std::vector<double> owned(items.words.size(), 0.0);
  const GramTable runs(items, kRunWords);
  for (std::uint32_t gram = 0; gram < runs.num_grams(); ++gram) {
    const double share = 1.0 / runs.num_items_with(gram);
    for (const auto& place : runs.places(gram)) {
      const std::size_t first = items.begins[place.item] + place.position;
      for (std::size_t i = first; i < first + kRunWords; ++i) owned[i] = std::max(owned[i], share);
    }
  }
  for (std::uint32_t item = 0; item < items.num_items(); ++item) {
    if (items.of(item).size() >= kRunWords) continue;
    for (std::uint64_t i = items.begins[item]; i < items.begins[item + 1]; ++i) owned[i] = 1.0;
  }
  return owned;
}

}  // namespace

WeightedItems::WeightedItems(const ItemWords& items, double min_score) : items_(items) {
  weigh_words();
  const std::vector<std::uint32_t> frequency = count_items_with(items);
  std::vector<std::vector<Seed>> seeded(items.table.size());
  for (std::uint32_t item = 0; item < items.num_items(); ++item) {
    group_words(item);
    choose_seeds(item, min_score, frequency, seeded);
    choose_runs(item, min_score);
  }
  runs_.finish();
  first_seeded_.push_back(0);
  for (const auto& list : seeded) {
    seeded_.insert(seeded_.end(), list.begin(), list.end());
    first_seeded_.push_back(static_cast<std::uint32_t>(seeded_.size()));
  }
}

void WeightedItems::weigh_words() {
  const std::vector<std::uint32_t> frequency = count_items_with(items_);
  const std::vector<double> owned = find_ownership(items_);
  count_.assign(items_.table.size(), 0.0);
  const double num_items = items_.num_items();
  for (std::size_t i = 0; i < items_.words.size(); ++i) {
    const std::uint32_t word = items_.words[i];
    ++count_[word];
    weights_.push_back(owned[i] * (1.0 + std::log((1.0 + num_items) / (1.0 + frequency[word]))));
  }
  const double all = static_cast<double>(items_.words.size()) + 0.5;
  for (const double times : count_) information_.push_back(-std::log((times + 0.5) / all));
}

void WeightedItems::group_words(std::uint32_t item) {
  WeightedItem& weighted = weighted_.emplace_back();
  const auto words = items_.of(item);
  weighted.first_word = static_cast<std::uint32_t>(items_.begins[item]);
  weighted.num_words = static_cast<std::uint32_t>(words.size());
  weighted.first_group = static_cast<std::uint32_t>(groups_.size());
  const auto weights = this->weights(weighted);
  for (const double weight : weights) weighted.weight += weight;
  for (const std::uint32_t word : words) weighted.information += information_[word];
  const auto first = static_cast<std::uint32_t>(places_.size());
  for (std::uint32_t i = 0; i < words.size(); ++i) places_.push_back(i);
  std::sort(places_.begin() + first, places_.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (words[a] != words[b]) return words[a] < words[b];
    return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
  });
  for (std::uint32_t i = first; i < places_.size(); ++i) {
    const std::uint32_t word = words[places_[i]];
    if (i == first || groups_.back().word != word) groups_.push_back({word, i, 0});
    ++groups_.back().count;
  }
  weighted.num_groups = static_cast<std::uint32_t>(groups_.size()) - weighted.first_group;
}

// For scores out of order, which need the root of the threshold: the rarest words that weigh clearly more
// than a text may lack. A text that scores has the difference at least, in one window. More seeds are more to
// look up, and fewer texts to look at closely.
void WeightedItems::choose_seeds(std::uint32_t item, double min_score,
                                 const std::vector<std::uint32_t>& frequency,
                                 std::vector<std::vector<Seed>>& seeded) {
  constexpr double kMargin = 0.20;  // of the item's weight
  WeightedItem& weighted = weighted_[item];
  weighted.first_bit = static_cast<std::uint32_t>(bit_weights_.size());
  bit_weights_.resize(bit_weights_.size() + kBits, 0.0F);
  std::vector<const WordPlaces*> rarest;
  for (const WordPlaces& group : groups(weighted)) rarest.push_back(&group);
  std::ranges::sort(rarest, [&](const WordPlaces* a, const WordPlaces* b) {
    return std::pair(frequency[a->word], a->word) < std::pair(frequency[b->word], b->word);
  });
  // An item that says too little to score is found as a whole message only: one seed is enough.
  const bool whole_only = weighted.information < min_score * kConvincingNats;
  const double reached = weighted.num_words < kRunSeedWords ? min_score : std::sqrt(min_score);
  const double lacking = whole_only ? 0.0 : (1.0 - reached) * weighted.weight;
  const double wanted = whole_only ? 0.0 : lacking + kMargin * weighted.weight;
  std::vector<Seed> seeds;
  double taken = 0.0;
  for (std::uint32_t i = 0; i < rarest.size() && (i == 0 || taken < wanted); ++i) {
    double weight = 0.0;
    for (const std::uint32_t place : places(*rarest[i])) weight += weights(weighted)[place];
    taken += weight;
    bit_weights_[weighted.first_bit + i % kBits] += static_cast<float>(weight);
    seeds.push_back({item, i % kBits, 0.0F});
  }
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    seeds[i].weight = bit_weights_[weighted.first_bit + seeds[i].bit];
    seeded[rarest[i]->word].push_back(seeds[i]);
  }
  // Less a little, for sums of floats round.
  weighted.seed_weight_needed = static_cast<float>((taken - lacking) * 0.999);
  weighted.seed_weight_beside_run =
      static_cast<float>((taken - (1.0 - min_score) * weighted.weight) * 0.999 - 1e-6);
}

// For scores in order: of a stretch of the item that weighs more than a text may lack, some word must lie in
// a shared run. All runs that touch the stretch are entered, and the stretch is the one whose runs are the
// rarest, by their words' frequency.
void WeightedItems::choose_runs(std::uint32_t item, double min_score) {
  const WeightedItem& weighted = weighted_[item];
  if (weighted.num_words < kRunSeedWords || weighted.information < min_score * kConvincingNats) return;
  const auto words = this->words(item);
  const auto weights = this->weights(weighted);
  const auto num_runs = weighted.num_words - kRunSeedWords + 1;
  std::vector<double> cost;  // of the runs before each, summed
  cost.push_back(0.0);
  for (std::uint32_t i = 0; i < num_runs; ++i)
    cost.push_back(cost.back() + 1e-9 + count_[words[i]] * count_[words[i + 1]] * count_[words[i + 2]]);
  const double lacking = (1.0 - min_score) * weighted.weight + 1e-9;
  double inside = 0.0, least = std::numeric_limits<double>::infinity();
  std::uint32_t best_first = 0, best_end = num_runs;
  for (std::uint32_t first = 0, end = 0; end < words.size();) {
    inside += weights[end++];
    for (; inside > lacking; inside -= weights[first++]) {
      const std::uint32_t first_run = first < kRunSeedWords ? 0 : first - kRunSeedWords + 1;
      const std::uint32_t end_run = std::min(end, num_runs);
      if (cost[end_run] - cost[first_run] >= least) continue;
      least = cost[end_run] - cost[first_run];
      best_first = first_run;
      best_end = end_run;
    }
  }
  for (std::uint32_t i = best_first; i < best_end; ++i) runs_.add(words[i], words[i + 1], words[i + 2], item);
}

}  // namespace caravan::data
