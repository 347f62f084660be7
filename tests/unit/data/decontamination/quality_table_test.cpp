// What each measure finds of the planted rows, by kind of change: the table of
// data/decontamination/README.md, made anew. Run with CARAVAN_PRINT_TABLE=1 to have it printed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "data/decontamination/eval_index.h"
#include "tests/unit/data/decontamination/golden_rows.h"

namespace caravan::data {
namespace {

using tests::GoldenRows;

constexpr double kReviewFrom = 0.60;

struct Kind {
  std::string name;
  std::vector<std::size_t> rows;  // that should be flagged
};

std::string percent(std::size_t part, std::size_t whole) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

class Table {
 public:
  explicit Table(const GoldenRows& golden) : golden_(golden) {
    std::map<std::string, Kind> by_kind;
    std::vector<bool> leaked(golden.rows.size(), false), unclear(golden.rows.size(), false);
    for (const Json& truth : tests::read_json_lines(GoldenRows::folder() / "planted_truth.jsonl")) {
      const std::size_t row = golden.row_number.at(truth["row"]);
      if (truth["should_flag"].is_null()) unclear[row] = true;
      if (truth["should_flag"] != true) continue;
      if (!leaked[row]) by_kind[truth["kind"]].rows.push_back(row);
      leaked[row] = true;
    }
    for (auto& [name, kind] : by_kind) kinds_.push_back({name, kind.rows});
    for (std::size_t row = 0; row < leaked.size(); ++row) {
      num_leaked_ += leaked[row];
      if (!leaked[row] && !unclear[row]) clean_.push_back(row);
    }
  }

  std::string text() {
    const std::vector<MeasureName> measures = {
        MeasureName::kWeighted, MeasureName::kCov8, MeasureName::kCov8Nb, MeasureName::kAny13,
        MeasureName::kJaccard,  MeasureName::kTf,   MeasureName::kTfidf};
    const EvalIndex index(golden_.items);
    std::vector<std::vector<bool>> flagged;
    std::string head = "| kind of change | rows |", rule = "| --- | ---: |";
    for (const MeasureName measure : measures) {
      head += " " + std::string(choice_names(measure)[static_cast<std::size_t>(measure)]) + " |";
      rule += " ---: |";
      const auto made = make_measure(measure, index, kReviewFrom, golden_.count_documents());
      auto& rows = flagged.emplace_back();
      for (const auto& found : golden_.search(*made, SearchScope::kAll)) rows.push_back(!found.empty());
    }
    std::string table = head + "\n" + rule + "\n";
    std::vector<std::size_t> found(measures.size(), 0);
    for (const Kind& kind : kinds_) {
      table += "| " + kind.name + " | " + std::to_string(kind.rows.size()) + " |";
      for (std::size_t i = 0; i < measures.size(); ++i) {
        std::size_t count = 0;
        for (const std::size_t row : kind.rows) count += flagged[i][row];
        found[i] += count;
        table += " " + std::to_string(count) + " |";
      }
      table += "\n";
    }
    std::string recall = "| **recall, %** | " + std::to_string(num_leaked_) + " |";
    std::string wrong = "| **clean rows flagged** | " + std::to_string(clean_.size()) + " |";
    std::string precision = "| **precision, %** | |";
    for (std::size_t i = 0; i < measures.size(); ++i) {
      std::size_t false_hits = 0;
      for (const std::size_t row : clean_) false_hits += flagged[i][row];
      recall += " " + percent(found[i], num_leaked_) + " |";
      wrong += " " + std::to_string(false_hits) + " |";
      precision += " " + percent(found[i], found[i] + false_hits) + " |";
    }
    return table + recall + "\n" + wrong + "\n" + precision + "\n";
  }

 private:
  const GoldenRows& golden_;
  std::vector<Kind> kinds_;
  std::vector<std::size_t> clean_;
  std::size_t num_leaked_ = 0;
};

TEST(QualityTable, IsTheOneOfTheReadme) {
  SKIP_WITHOUT_SHARED_DATA();
  const GoldenRows golden = GoldenRows::load();
  const std::string table = Table(golden).text();
  if (std::getenv("CARAVAN_PRINT_TABLE") != nullptr) std::cout << table;
  std::ifstream file(CARAVAN_SOURCE_DIR "/data/decontamination/README.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(table), std::string::npos)
      << "data/decontamination/README.md has another table; this is the present one:\n"
      << table;
}

}  // namespace
}  // namespace caravan::data
