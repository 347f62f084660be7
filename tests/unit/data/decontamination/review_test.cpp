// The review file and page: what a person writes is checked, what a row says is never markup.
#include "data/decontamination/review.h"

#include <gtest/gtest.h>

#include "data/decontamination/contamination_tally.h"
#include "data/decontamination/review_page.h"
#include "data/error.h"
#include "data/sha256.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

EvalItems one_item(const std::string& text) {
  EvalItems items;
  items.sets.push_back({"<set>", {}});
  items.items.push_back({0, "item&1", text});
  return items;
}

Finding finding_of(const EvalItems& items, const std::vector<std::string>& turns) {
  Conversation row;
  row.id = "row";
  for (const std::string& turn : turns) row.messages.push_back({"user", turn, nullptr});
  Finding finding = make_finding(items, row, {{0, 0.7}});
  finding.file = "f.jsonl";
  finding.where = {0, 3};
  finding.row_sha256 = sha256_hex("row");
  return finding;
}

TEST(Overlap, MarksRunsOfWordsInBothTexts) {
  const std::string item = "How many Red apples, are there?", row = "Say: how  many r\u0435d APPLES grow";
  const Overlap overlap = find_overlap(item, row);
  ASSERT_EQ(overlap.first.size(), 1u);
  EXPECT_EQ(item.substr(overlap.first[0].begin, overlap.first[0].end - overlap.first[0].begin),
            "How many Red apples");
  ASSERT_EQ(overlap.second.size(), 1u);
  EXPECT_EQ(row.substr(overlap.second[0].begin, overlap.second[0].end - overlap.second[0].begin),
            "how  many r\u0435d APPLES");
  EXPECT_EQ(find_overlap("one two three", "three one zero").first.size(),
            2u);  // words, where no run is shared
  EXPECT_TRUE(find_overlap("one", "two").first.empty());
  EXPECT_TRUE(find_overlap("", "...").second.empty());
}

TEST(Review, FindingIsTheMessageThatHasMost) {
  const EvalItems items = one_item("alpha beta gamma delta epsilon");
  EXPECT_EQ(finding_of(items, {"alpha beta gamma", "zeta alpha beta gamma delta", "no"}).message, 1u);
}

TEST(Review, DecisionsAreReadAndChecked) {
  const EvalItems items = one_item("alpha beta gamma");
  const Finding finding = finding_of(items, {"alpha beta gamma"});
  const tests::TempDir dir;
  const auto read = [&](const std::function<void(Json&)>& edit) {
    Json line = Json::parse(review_line(finding, items, "weighted"));
    edit(line);
    return ReviewedRows::read(dir.write("review.jsonl", line.dump() + "\n"));
  };
  EXPECT_EQ(read([](Json&) {}).find(finding.row_sha256)->decision, Decision::kUndecided);
  EXPECT_EQ(read([](Json& line) { line["decision"] = "keep"; }).find(finding.row_sha256)->decision,
            Decision::kKeep);
  const auto edited = read([](Json& line) {
    line["decision"] = "edit";
    line["messages"][0]["content"] = "other";
  });
  EXPECT_EQ(edited.find(finding.row_sha256)->messages[0]["content"], "other");
  EXPECT_EQ(edited.find("other"), nullptr);
  EXPECT_THROW(read([](Json& line) { line["decision"] = "yes"; }), Error);
  EXPECT_THROW(read([](Json& line) { line["decision"] = "edit"; }), Error);
  EXPECT_THROW(read([](Json& line) { line["messages"][0]["content"] = "other"; }), Error);
  EXPECT_THROW(read([](Json& line) { line.erase("row_sha256"); }), Error);
  EXPECT_THROW(read([](Json& line) {
                 line["decision"] = "edit";
                 line["messages"] = "text";
               }),
               Error);
  Json keep = Json::parse(review_line(finding, items, "weighted", Decision::kKeep));
  Json drop = Json::parse(review_line(finding, items, "weighted", Decision::kDrop));
  EXPECT_THROW(ReviewedRows::read(dir.write("review.jsonl", keep.dump() + "\n" + drop.dump() + "\n")), Error);
  EXPECT_THROW(ReviewedRows::read(dir.write("review.jsonl", "[]\n")), Error);
}

TEST(ReviewPage, NoTextIsMarkup) {
  const EvalItems items = one_item("<script>alert(1)</script> alpha beta gamma & \"quoted\"");
  const Finding finding = finding_of(items, {"<img src=x onerror='x'> alpha beta gamma\x01\u202e"});
  const std::string page =
      review_page_head("weighted", 0.6, 0.9) + review_page_entry(finding, items, 1) + review_page_end(1);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("<set>"), std::string::npos);
  EXPECT_EQ(page.find("\u202e"), std::string::npos);
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_NE(page.find("<mark>alpha beta gamma</mark>"), std::string::npos);
  EXPECT_NE(page.find("&lt;img src=x onerror=&#39;x&#39;&gt;"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(ReviewPage, LongMessagesAreCutAtCharacters) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "\u4e2d\u6587";
  const EvalItems items = one_item("alpha beta gamma");
  const std::string entry =
      review_page_entry(finding_of(items, {text + " alpha beta gamma " + text}), items, 1);
  EXPECT_LT(entry.size(), 20000u);
  EXPECT_NE(entry.find("bytes left out"), std::string::npos);
  EXPECT_NE(entry.find("<mark>alpha beta gamma</mark>"), std::string::npos);
  EXPECT_EQ(entry.find("\xef\xbf\xbd"), std::string::npos);
}

TEST(ContaminationTally, CountsRowsAndItemsPerSet) {
  EvalItems items;
  items.sets = {{"a", {}}, {"b", {}}};
  items.items = {{0, "a0", "x"}, {0, "a1", "y"}, {1, "b0", "z"}};
  ContaminationTally tally(items);
  Finding finding;
  finding.items = {{0, 0.95}, {1, 0.7}, {2, 0.65}};
  tally.add(finding, 0.9);
  finding.items = {{1, 0.7}};
  tally.add(finding, 0.9);
  const Json report = tally.report();
  EXPECT_EQ(report[0]["items_hit"], 2);
  EXPECT_EQ(report[0]["rows_to_remove"], 1);
  EXPECT_EQ(report[0]["rows_to_review"], 1);
  EXPECT_EQ(report[1]["rows_to_review"], 1);
  EXPECT_EQ(report[0]["worst"][0]["item"], "a0");
}

}  // namespace
}  // namespace caravan::data
