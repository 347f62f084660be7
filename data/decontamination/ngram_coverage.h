// Measures of verbatim runs: the share of an item's words that lie in a run of 8 which the text has too, its
// two variants, and whether any run of 13 is shared.
#pragma once

#include "data/decontamination/gram_table.h"
#include "data/decontamination/measure.h"

namespace caravan::data {

class NgramCoverage : public Measure {
 public:
  // kCov8, kCov8Last, kCov8Nb or kAny13. A run found in more than kBoilerplateAbove items is boilerplate to
  // kCov8Nb. `index` must outlive this. Items that score less than `min_score` are not reported, and none
  // that scores 0.
  NgramCoverage(const EvalIndex& index, MeasureName name, double min_score);

  Folding folding() const override { return Folding::kReference; }
  std::unique_ptr<Searcher> make_searcher() const override;

  static constexpr std::uint32_t kBoilerplateAbove = 5;

 private:
  friend class NgramSearcher;
  bool counts(std::uint32_t gram, const GramTable::Place& place) const {
    if (name_ == MeasureName::kCov8Last) return place.last_in_item;
    return name_ != MeasureName::kCov8Nb || table_.num_items_with(gram) <= kBoilerplateAbove;
  }
  void find_denominators();

  MeasureName name_;
  double min_score_;
  GramTable table_;
  std::vector<std::uint32_t> denominator_;  // per item: its words, for kCov8Nb less those of boilerplate
};

}  // namespace caravan::data
