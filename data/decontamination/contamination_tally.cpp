#include "data/decontamination/contamination_tally.h"

#include <algorithm>

#include "data/text_table.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxWorst = 10;

}  // namespace

ContaminationTally::ContaminationTally(const EvalItems& eval)
    : eval_(eval), sets_(eval.sets.size()), hit_(eval.items.size(), false) {
  for (const EvalItem& item : eval.items) ++sets_[item.set].num_items;
}

void ContaminationTally::keep_worst(Set& set, Worst match) const {
  const auto place = std::ranges::upper_bound(set.worst, match.score, std::ranges::greater{}, &Worst::score);
  set.worst.insert(place, std::move(match));
  if (set.worst.size() > kMaxWorst) set.worst.pop_back();
}

void ContaminationTally::add(const Finding& finding, double remove_from) {
  std::vector<bool> seen(sets_.size(), false);
  for (const ItemScore& score : finding.items) {
    const EvalItem& item = eval_.items[score.item];
    Set& set = sets_[item.set];
    if (!hit_[score.item]) ++set.items_hit;
    hit_[score.item] = true;
    if (seen[item.set]) continue;
    seen[item.set] = true;
    ++(score.score >= remove_from ? set.rows_removed : set.rows_reviewed);
    keep_worst(set, {score.score, item.id, finding.file, finding.row.id, finding.where.line});
  }
}

Json ContaminationTally::report() const {
  Json sets = Json::array();
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    const Set& set = sets_[i];
    Json files = Json::array(), worst = Json::array();
    for (const EvalFile& file : eval_.sets[i].files)
      files.push_back({{"path", file.path}, {"sha256", file.sha256}});
    for (const Worst& match : set.worst) {
      worst.push_back({{"score", match.score},
                       {"item", match.item},
                       {"file", match.file},
                       {"line", match.line},
                       {"row", match.row}});
    }
    sets.push_back({{"name", eval_.sets[i].name},
                    {"files", std::move(files)},
                    {"items", set.num_items},
                    {"items_hit", set.items_hit},
                    {"rows_to_remove", set.rows_removed},
                    {"rows_to_review", set.rows_reviewed},
                    {"worst", std::move(worst)}});
  }
  return sets;
}

std::string ContaminationTally::table() const {
  std::vector<TableLine> lines{{"set", "items", "items hit", "rows to remove", "rows to review"}};
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    const Set& set = sets_[i];
    lines.push_back({eval_.sets[i].name, grouped(set.num_items), grouped(set.items_hit),
                     grouped(set.rows_removed), grouped(set.rows_reviewed)});
  }
  return print_table(lines);
}

}  // namespace caravan::data
