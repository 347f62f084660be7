// The default measure: how much of what an item says stands close together in a row, in the item's order or
// out of it.
//
//   in order    share of the item's weight in runs of 3 words that a window of the row has too
//   out of order  (share of the item's weight whose words a tighter window has, as often as it has them)^2
//   short items  both are scaled down where all the words found carry less than 40 nats together: taken one
//   by
//               one they would then meet by chance once in e^40 places, and as words come in phrases perhaps
//               once in e^20, which is seldom in a training set. A message that is the item, word for word,
//               scores 1 all the same
//
// The score is the higher of the two. Windows slide over all messages in scope, and over those of the user
// put together, so a prompt split over turns is found. Words are folded (Folding::kLookalikes), so disguises
// do not help; weights are those of weighted_items.h.
#pragma once

#include "data/decontamination/measure.h"
#include "data/decontamination/weighted_items.h"

namespace caravan::data {

class WeightedCoverage : public Measure {
 public:
  // `index` must outlive this. Items that score less than `min_score` are not reported.
  WeightedCoverage(const EvalIndex& index, double min_score)
      : items_(index.words(Folding::kLookalikes), min_score), min_score_(min_score) {}

  Folding folding() const override { return Folding::kLookalikes; }
  std::unique_ptr<Searcher> make_searcher() const override;

 private:
  friend class WeightedSearcher;
  WeightedItems items_;
  double min_score_;
};

}  // namespace caravan::data
