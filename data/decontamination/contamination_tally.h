// What a whole search found, per evaluation set.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/decontamination/finding.h"

namespace caravan::data {

class ContaminationTally {
 public:
  // `eval` must outlive this.
  explicit ContaminationTally(const EvalItems& eval);

  // In the order of the rows. A row counts once for every set it has an item of, as removed where that item
  // scores `remove_from` or more, else as reviewed.
  void add(const Finding& finding, double remove_from);

  // Per set: name, files, items, items hit, rows removed and reviewed, and the worst matches.
  Json report() const;
  std::string table() const;

 private:
  struct Worst {
    double score = 0.0;
    std::string item, file, row;
    std::uint64_t line = 0;
  };
  struct Set {
    std::uint64_t num_items = 0, items_hit = 0, rows_removed = 0, rows_reviewed = 0;
    std::vector<Worst> worst;  // highest first, first row first
  };
  void keep_worst(Set& set, Worst match) const;

  const EvalItems& eval_;
  std::vector<Set> sets_;
  std::vector<bool> hit_;  // per item
};

}  // namespace caravan::data
