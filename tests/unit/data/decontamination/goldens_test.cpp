// Scores of every reference measure against the reference's, pair by pair, row by row and summed over all
// pairs.
#include <gtest/gtest.h>

#include "data/decontamination/eval_index.h"
#include "tests/unit/data/decontamination/golden_rows.h"

namespace caravan::data {
namespace {

using tests::GoldenRows;

constexpr double kTolerance = 1e-12;

std::string bin_of(double score) {
  return score >= 0.90 ? "remove" : score >= 0.60 ? "review" : "keep";
}

class ReferenceMeasure : public testing::TestWithParam<MeasureName> {
 protected:
  static void SetUpTestSuite() {
    if (tests::shared_data().empty()) return;
    golden_ = new GoldenRows(GoldenRows::load());
    index_ = new EvalIndex(golden_->items);
    summary_ = new Json(tests::read_json(GoldenRows::folder() / "summary.json"));
  }
  static void TearDownTestSuite() {
    delete golden_;
    delete index_;
    delete summary_;
  }
  void SetUp() override { SKIP_WITHOUT_SHARED_DATA(); }

  static std::string name() {
    return std::string(choice_names(GetParam())[static_cast<std::size_t>(GetParam())]);
  }
  static std::unique_ptr<Measure> measure(double min_score) {
    return make_measure(GetParam(), *index_, min_score, golden_->count_documents());
  }
  // Per row, a score per item.
  static std::vector<std::vector<double>> all_scores(SearchScope scope, double min_score = 0.0) {
    std::vector<std::vector<double>> scores;
    for (const auto& found : golden_->search(*measure(min_score), scope)) {
      auto& row = scores.emplace_back(index_->num_items(), 0.0);
      for (const ItemScore& score : found) row[score.item] = score.score;
    }
    return scores;
  }

  static GoldenRows* golden_;
  static EvalIndex* index_;
  static Json* summary_;
};
GoldenRows* ReferenceMeasure::golden_ = nullptr;
EvalIndex* ReferenceMeasure::index_ = nullptr;
Json* ReferenceMeasure::summary_ = nullptr;

TEST_P(ReferenceMeasure, EveryListedPair) {
  const auto user = all_scores(SearchScope::kUser), all = all_scores(SearchScope::kAll);
  for (const Json& pair : tests::read_json_lines(GoldenRows::folder() / "pairs.jsonl")) {
    const std::size_t row = golden_->row_number.at(pair["row"]);
    const std::uint32_t item = golden_->item_number.at(pair["eval_id"]);
    const auto value = [&](const Json& from) {
      return from.is_boolean() ? static_cast<double>(from.get<bool>()) : from.get<double>();
    };
    const double expected = value(pair[name()]);
    EXPECT_NEAR(user[row][item], expected, kTolerance) << pair["row"] << pair["eval_id"];
    EXPECT_NEAR(all[row][item], pair.contains("all_roles") ? value(pair["all_roles"][name()]) : expected,
                kTolerance);
    if (pair["bin"].contains(name())) {
      EXPECT_EQ(bin_of(user[row][item]), pair["bin"][name()].get<std::string>());
    }
  }
}

TEST_P(ReferenceMeasure, BestItemOfEveryRow) {
  const auto rows = tests::read_json_lines(GoldenRows::folder() / "row_max.jsonl");
  for (const auto& [scope, label] : {std::pair{SearchScope::kUser, "user"}, {SearchScope::kAll, "all"}}) {
    const auto found = golden_->search(*measure(0.0), scope);
    for (const Json& row : rows) {
      const ItemScore best = tests::best_of(found[golden_->row_number.at(row["row"])]);
      const Json& expected = row[label][name()];
      EXPECT_NEAR(best.score, expected["score"].get<double>(), kTolerance) << row["row"];
      const Json id = best.item == UINT32_MAX ? Json(nullptr) : Json(golden_->items.items[best.item].id);
      // Two items may score the same but for the last bit.
      if (id != expected["eval_id"]) {
        const auto other = golden_->item_number.at(expected["eval_id"]);
        const auto& row_found = found[golden_->row_number.at(row["row"])];
        const auto at = std::ranges::find(row_found, other, &ItemScore::item);
        ASSERT_NE(at, row_found.end());
        EXPECT_NEAR(at->score, best.score, kTolerance) << row["row"] << name();
        EXPECT_TRUE(name() == "tf" || name() == "tfidf");
      }
      if (expected.contains("bin")) {
        EXPECT_EQ(bin_of(best.score), expected["bin"].get<std::string>());
      }
    }
  }
}

TEST_P(ReferenceMeasure, SumsAndBinsOverAllPairs) {
  for (const auto& [scope, label] : {std::pair{SearchScope::kUser, "user"}, {SearchScope::kAll, "all"}}) {
    double sum = 0.0;
    std::map<std::string, int> bins;
    for (const auto& row : all_scores(scope)) {
      for (const double score : row) {
        sum += score;
        ++bins[bin_of(score)];
      }
    }
    const double expected = (*summary_)["score_sums_over_all_pairs"][label][name()].get<double>();
    EXPECT_NEAR(sum, expected, 1e-12 * std::max(expected, 1.0) * 10);
    if (name() == "any13") continue;
    for (const auto& [bin, count] : (*summary_)["bins_over_all_pairs"][label][name()].items())
      EXPECT_EQ(bins[bin], count.get<int>()) << label << bin;
  }
}

// What a threshold spares is work, not results.
TEST_P(ReferenceMeasure, ThresholdLosesNothing) {
  const auto everything = all_scores(SearchScope::kAll);
  const auto high = all_scores(SearchScope::kAll, 0.6);
  for (std::size_t row = 0; row < everything.size(); ++row) {
    for (std::size_t item = 0; item < everything[row].size(); ++item)
      EXPECT_EQ(high[row][item], everything[row][item] >= 0.6 ? everything[row][item] : 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceMeasure,
                         testing::Values(MeasureName::kCov8, MeasureName::kCov8Last, MeasureName::kCov8Nb,
                                         MeasureName::kAny13, MeasureName::kJaccard, MeasureName::kTf,
                                         MeasureName::kTfidf),
                         [](const auto& tested) {
                           return std::string(
                               choice_names(tested.param)[static_cast<std::size_t>(tested.param)]);
                         });

}  // namespace
}  // namespace caravan::data
