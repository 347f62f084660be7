// The default measure on the planted rows and on rows made for one property each.
#include <gtest/gtest.h>

#include <set>

#include "data/decontamination/eval_index.h"
#include "tests/unit/data/decontamination/golden_rows.h"

namespace caravan::data {
namespace {

using tests::GoldenRows;

EvalItems items_of(const std::vector<std::string>& texts) {
  EvalItems items;
  items.sets.push_back({"set", {}});
  for (const std::string& text : texts)
    items.items.push_back({0, "item-" + std::to_string(items.items.size()), text});
  return items;
}

using Turns = std::vector<std::pair<std::string, std::string>>;

double score(const EvalIndex& index, const Turns& turns, SearchScope scope = SearchScope::kAll,
             double min_score = 0.0, std::uint32_t item = 0) {
  Conversation row;
  for (const auto& [role, content] : turns) row.messages.push_back({role, content, nullptr});
  const auto measure = make_measure(MeasureName::kWeighted, index, min_score);
  RowWords words;
  split_row(row, scope, WordSplitter(measure->folding()), words);
  std::vector<ItemScore> found;
  measure->make_searcher()->search(words, found);
  for (const ItemScore& hit : found) {
    if (hit.item == item) return hit.score;
  }
  return 0.0;
}

TEST(Weighted, FindsThePlantedRowsAndNoOthers) {
  SKIP_WITHOUT_SHARED_DATA();
  const GoldenRows golden = GoldenRows::load();
  const EvalIndex index(golden.items);
  const auto found = golden.search(*make_measure(MeasureName::kWeighted, index, 0.6), SearchScope::kAll);
  std::set<std::string> leaked, unclear;
  for (const Json& truth : tests::read_json_lines(GoldenRows::folder() / "planted_truth.jsonl")) {
    if (truth["should_flag"].is_null()) unclear.insert(truth["row"]);
    if (truth["should_flag"] == true) leaked.insert(truth["row"]);
  }
  std::size_t true_hits = 0, false_hits = 0;
  for (std::size_t i = 0; i < golden.rows.size(); ++i) {
    if (found[i].empty()) continue;
    const std::string& id = golden.rows[i].id;
    true_hits += leaked.contains(id);
    false_hits += !leaked.contains(id) && !unclear.contains(id);
  }
  EXPECT_GE(static_cast<double>(true_hits), 0.95 * static_cast<double>(leaked.size()));
  EXPECT_GE(static_cast<double>(true_hits), 0.99 * static_cast<double>(true_hits + false_hits));
  RecordProperty("found", static_cast<int>(true_hits));
}

// Every candidate that the seeds leave out scores below the threshold: the search with a threshold equals the
// exhaustive one.
TEST(Weighted, ThresholdLosesNothing) {
  SKIP_WITHOUT_SHARED_DATA();
  const GoldenRows golden = GoldenRows::load();
  const EvalIndex index(golden.items);
  const auto everything = golden.search(*make_measure(MeasureName::kWeighted, index, 0.0), SearchScope::kAll);
  for (const double threshold : {0.3, 0.6, 0.9}) {
    const auto high =
        golden.search(*make_measure(MeasureName::kWeighted, index, threshold), SearchScope::kAll);
    for (std::size_t row = 0; row < high.size(); ++row) {
      std::map<std::uint32_t, double> expected, got;
      for (const ItemScore& hit : everything[row]) {
        if (hit.score >= threshold + 1e-9) expected[hit.item] = hit.score;
      }
      for (const ItemScore& hit : high[row]) {
        if (hit.score >= threshold + 1e-9) got[hit.item] = hit.score;
      }
      ASSERT_EQ(got.size(), expected.size()) << golden.rows[row].id << threshold;
      for (const auto& [item, value] : expected) EXPECT_NEAR(got[item], value, 1e-9);
    }
  }
}

const std::string kQuestion =
    "A gardener plants tulips in rows of seventeen bulbs, and every third row carries daffodils instead; how "
    "many "
    "tulips bloom when forty two rows survive the winter frost?";

TEST(Weighted, ReadsThroughDisguisesAndTurns) {
  const EvalIndex index(items_of({kQuestion, "Which mineral scratches glass but not topaz?"}));
  EXPECT_EQ(score(index, {{"user", kQuestion}}), 1.0);
  std::string spaced;
  for (const char c : kQuestion)
    spaced += c == 'a' ? std::string("\u0430") : c == 'e' ? "e\u0301\u200b" : std::string(1, c);
  EXPECT_EQ(score(index, {{"user", spaced}}), 1.0);
  EXPECT_GE(score(index, {{"user", "Please solve this. " + kQuestion + " Show each step of your work."}}),
            0.99);
  EXPECT_GE(score(index, {{"system", "You are kind."}, {"assistant", kQuestion}}), 0.99);
  const std::string first = kQuestion.substr(0, 90), second = kQuestion.substr(90);
  std::string long_answer;
  for (int i = 0; i < 200; ++i) long_answer += "filler" + std::to_string(i) + " ";
  EXPECT_GE(score(index, {{"user", first}, {"assistant", long_answer}, {"user", second}}), 0.9);
  EXPECT_LT(score(index, {{"user", first + long_answer + second}}), 0.9);
  EXPECT_EQ(score(index, {{"assistant", kQuestion}}, SearchScope::kUser), 0.0);
  EXPECT_LT(score(index, {{"user", "How many tulips does a gardener plant when winter comes?"}}), 0.6);
}

TEST(Weighted, ShortItemsNeedMoreThanOrdinaryWords) {
  std::vector<std::string> texts = {"what is it", "zymurgy quixotic fjord marmalade"};
  for (int i = 0; i < 300; ++i) texts.push_back("what is it that they call number " + std::to_string(i));
  const EvalIndex index(items_of(texts));
  EXPECT_EQ(score(index, {{"user", "What is it?"}}), 1.0);  // the whole message
  EXPECT_LT(score(index, {{"user", "Tell me, what is it that makes you happy"}}), 0.6);
  EXPECT_GE(score(index, {{"user", "Tell me of zymurgy: quixotic fjord, marmalade and so on"}},
                  SearchScope::kAll, 0.0, 1),
            0.6);
}

TEST(Weighted, SharedInstructionsCountForLittle) {
  const std::string head =
      "Answer the following multiple choice question with one letter and think step by step before you do "
      "so. ";
  std::vector<std::string> texts;
  for (const char* question :
       {"Which gas fills balloons", "Which planet has rings", "Which metal melts in the hand",
        "Which bird cannot fly", "Which sea is dead", "Which bone is the longest"})
    texts.push_back(head + question);
  const EvalIndex index(items_of(texts));
  EXPECT_EQ(score(index, {{"user", texts[2]}}, SearchScope::kAll, 0.0, 2), 1.0);
  EXPECT_LT(score(index, {{"user", head + "Who painted the ceiling of that chapel"}}), 0.6);
}

TEST(Weighted, HostileRowsAndItems) {
  std::string repeated;
  for (int i = 0; i < 200000; ++i) repeated += "word ";
  const EvalIndex index(items_of({kQuestion, "word", "word word word", "", "...", repeated.substr(0, 5000)}));
  EXPECT_LT(score(index, {{"user", repeated}}), 0.6);
  EXPECT_EQ(score(index, {}), 0.0);
  EXPECT_EQ(score(index, {{"user", ""}, {"user", std::string(1 << 20, '\0')}}), 0.0);
  std::string many;  // the question two hundred times
  for (int i = 0; i < 200; ++i) many += kQuestion + " ";
  EXPECT_GE(score(index, {{"user", many}}), 0.99);
}

}  // namespace
}  // namespace caravan::data
