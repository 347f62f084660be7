// The reference's planted rows and items, loaded for tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/decontamination/document_counts.h"
#include "data/decontamination/make_measure.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::tests {

struct GoldenRows {
  data::EvalItems items;
  std::vector<data::Conversation> rows;
  std::map<std::string, std::uint32_t> item_number;
  std::map<std::string, std::size_t> row_number;

  static std::filesystem::path folder() { return shared_data() / "goldens/data/decontamination"; }

  static GoldenRows load() {
    GoldenRows golden;
    std::map<std::string, std::uint32_t> sets;
    for (const data::Json& json : read_json_lines(folder() / "eval_items.jsonl")) {
      const auto [set, is_new] = sets.emplace(json["set"], sets.size());
      if (is_new) golden.items.sets.push_back({set->first, {}});
      golden.item_number[json["eval_id"]] = static_cast<std::uint32_t>(golden.items.items.size());
      golden.items.items.push_back({set->second, json["eval_id"], json["text"]});
    }
    for (const data::Json& json : read_json_lines(folder() / "train_rows.jsonl")) {
      data::Conversation row;
      row.id = json["id"];
      for (const data::Json& message : json["messages"])
        row.messages.push_back({message["role"], message["content"], nullptr});
      golden.row_number[row.id] = golden.rows.size();
      golden.rows.push_back(std::move(row));
    }
    return golden;
  }

  // Counts over all messages of all rows, whatever the scope searched.
  data::DocumentCounts count_documents() const {
    data::DocumentCounts counts;
    const data::WordSplitter splitter(data::Folding::kReference);
    data::RowWords words;
    for (const data::Conversation& row : rows) {
      data::split_row(row, data::SearchScope::kAll, splitter, words);
      for (const auto& document : data::DocumentCounts::documents_of(words)) counts.add(document);
    }
    return counts;
  }

  // Per row, what `measure` finds.
  std::vector<std::vector<data::ItemScore>> search(const data::Measure& measure,
                                                   data::SearchScope scope) const {
    const data::WordSplitter splitter(measure.folding());
    const auto searcher = measure.make_searcher();
    data::RowWords words;
    std::vector<std::vector<data::ItemScore>> found(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      data::split_row(rows[i], scope, splitter, words);
      searcher->search(words, found[i]);
    }
    return found;
  }
};

// Best score of a row and the first item that has it; UINT32_MAX for none.
inline data::ItemScore best_of(const std::vector<data::ItemScore>& found) {
  data::ItemScore best{UINT32_MAX, 0.0};
  for (const data::ItemScore& score : found) {
    if (score.score > best.score) best = score;
  }
  return best;
}

}  // namespace caravan::tests
