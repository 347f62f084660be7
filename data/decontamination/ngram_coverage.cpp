#include "data/decontamination/ngram_coverage.h"

#include <algorithm>

namespace caravan::data {

NgramCoverage::NgramCoverage(const EvalIndex& index, MeasureName name, double min_score)
    : name_(name),
      min_score_(min_score),
      table_(index.words(Folding::kReference), name == MeasureName::kAny13 ? 13 : 8) {
  const ItemWords& items = index.words(Folding::kReference);
  for (std::uint32_t item = 0; item < items.num_items(); ++item)
    denominator_.push_back(static_cast<std::uint32_t>(items.of(item).size()));
  if (name == MeasureName::kCov8Nb) find_denominators();
}

// A word that only boilerplate covers leaves the count.
void NgramCoverage::find_denominators() {
  std::vector<std::vector<std::uint8_t>> cover(denominator_.size());  // 1 boilerplate, 2 proper
  for (std::uint32_t gram = 0; gram < table_.num_grams(); ++gram) {
    const std::uint8_t mark = table_.num_items_with(gram) > kBoilerplateAbove ? 1 : 2;
    for (const auto& place : table_.places(gram)) {
      auto& words = cover[place.item];
      words.resize(denominator_[place.item]);
      for (std::uint32_t i = 0; i < table_.n(); ++i) words[place.position + i] |= mark;
    }
  }
  for (std::size_t item = 0; item < cover.size(); ++item) {
    denominator_[item] -= static_cast<std::uint32_t>(std::ranges::count(cover[item], 1));
  }
}

class NgramSearcher : public Searcher {
 public:
  explicit NgramSearcher(const NgramCoverage& measure)
      : measure_(measure), seen_(measure.table_.num_grams(), 0), best_(measure.denominator_.size(), 0.0) {}

  void search(const RowWords& row, std::vector<ItemScore>& found) override {
    found.clear();
    for (const RowWords::Part& part : row.parts) {
      collect(row.words, part);
      score_places();
    }
    std::ranges::sort(touched_);
    for (const std::uint32_t item : touched_) {
      if (best_[item] >= measure_.min_score_) found.push_back({item, best_[item]});
      best_[item] = 0.0;
    }
    touched_.clear();
  }

 private:
  // Where in the items the runs of one message occur. A run that the message repeats counts once.
  void collect(const Words& words, const RowWords::Part& part) {
    if (++message_ == 0) {
      std::ranges::fill(seen_, 0);
      message_ = 1;
    }
    places_.clear();
    measure_.table_.scan(words, part.first_word, part.end_word, [this](std::uint32_t gram) {
      if (seen_[gram] == message_) return;
      seen_[gram] = message_;
      for (const auto& place : measure_.table_.places(gram)) {
        if (measure_.counts(gram, place)) places_.emplace_back(place.item, place.position);
      }
    });
    std::ranges::sort(places_);
  }

  void score_places() {
    const std::uint32_t n = measure_.table_.n();
    for (std::size_t i = 0; i < places_.size();) {
      const std::uint32_t item = places_[i].first;
      std::uint32_t covered = 0, end = 0;
      for (; i < places_.size() && places_[i].first == item; ++i) {
        const std::uint32_t begin = std::max(end, places_[i].second);
        end = places_[i].second + n;
        covered += end - begin;
      }
      const std::uint32_t all = measure_.denominator_[item];
      if (all == 0) continue;
      const double score = measure_.name_ == MeasureName::kAny13
                               ? 1.0
                               : static_cast<double>(covered) / static_cast<double>(all);
      if (best_[item] == 0.0) touched_.push_back(item);
      best_[item] = std::max(best_[item], score);
    }
  }

  const NgramCoverage& measure_;
  std::vector<std::uint32_t> seen_;  // per run: the last message that had it
  std::uint32_t message_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places_;
  std::vector<double> best_;
  std::vector<std::uint32_t> touched_;
};

std::unique_ptr<Searcher> NgramCoverage::make_searcher() const {
  return std::make_unique<NgramSearcher>(*this);
}

}  // namespace caravan::data
