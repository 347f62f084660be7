#include "data/loader/ledger.h"

#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

#include "data/error.h"
#include "data/message.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

Ledger make_ledger() {
  Ledger ledger;
  const std::uint32_t a = ledger.add_file("/somewhere/a.jsonl"), b = ledger.add_file("/somewhere/b.jsonl");
  ledger.add({1, a, 100, 40, 0, 0, 1, Fate::kTrained});
  ledger.add({2, a, 50, 20, 30, ledger.add_reason("repaired:trailing_user"), 1, Fate::kTruncated});
  ledger.add({4, a, 0, 0, 0, ledger.add_reason("invalid_json"), 0, Fate::kDropped});
  ledger.add({1, b, 80, 10, 0, 0, 2, Fate::kSplit});
  ledger.add({2, b, 10, 5, 0, 0, 1, Fate::kTrained});
  ledger.mark_not_taken(4);
  return ledger;
}

TEST(Ledger, TotalsCountEveryRowOnce) {
  const LedgerTotals totals = make_ledger().totals();
  EXPECT_EQ(totals.rows, 5u);
  EXPECT_EQ(totals.trained, 1u);
  EXPECT_EQ(totals.truncated, 1u);
  EXPECT_EQ(totals.split, 1u);
  EXPECT_EQ(totals.dropped, 1u);
  EXPECT_EQ(totals.not_taken, 1u);
  EXPECT_EQ(totals.documents, 4u);
  EXPECT_EQ(totals.tokens, 230u);
  EXPECT_EQ(totals.trained_tokens, 70u);
  EXPECT_EQ(totals.cut_tokens, 30u);
}

TEST(Ledger, MustBalance) {
  const Ledger ledger = make_ledger();
  EXPECT_NO_THROW(ledger.check_balance(4, 230, 70));
  EXPECT_THROW(ledger.check_balance(3, 230, 70), std::logic_error);
  EXPECT_THROW(ledger.check_balance(4, 229, 70), std::logic_error);
  EXPECT_THROW(ledger.check_balance(4, 230, 71), std::logic_error);
  Ledger dropped = ledger;
  EXPECT_THROW(dropped.mark_not_taken(2), std::logic_error);
}

TEST(Ledger, SummaryNamesFilesReasonsAndFirstPlaces) {
  const std::string text = make_ledger().summary();
  EXPECT_NE(text.find("a.jsonl"), std::string::npos) << text;
  EXPECT_NE(text.find("1 dropped, invalid_json, first a.jsonl:4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 used, repaired:trailing_user, first a.jsonl:2\n"), std::string::npos) << text;
  EXPECT_LT(text.find("invalid_json"), text.find("trailing_user"));
}

TEST(Ledger, SummaryLeavesOutFatesThatNoRowHas) {
  Ledger ledger;
  ledger.add({1, ledger.add_file("a.jsonl"), 100, 50, 0, 0, 1, Fate::kTrained});
  EXPECT_EQ(ledger.summary(),
            "file     rows  trained  dropped  documents  tokens  trained tokens\n"
            "a.jsonl     1        1        0          1     100              50\n");
}

TEST(Ledger, RowsOfAnArrayAreElements) {
  const tests::TempDir dir;
  Ledger ledger;
  ledger.add({7, ledger.add_file("/d/a.json", "element"), 0, 0, 0, ledger.add_reason("too_long"), 0,
              Fate::kDropped});
  EXPECT_EQ(ledger.place_of(ledger.entries()[0]), "a.json, element 7");
  EXPECT_NE(ledger.summary().find("1 dropped, too_long, first a.json, element 7\n"), std::string::npos);
  const std::string path = (dir.path() / "ledger.jsonl").string();
  ledger.write_jsonl(path);
  EXPECT_EQ(tests::read_bytes(path),
            "{\"file\":\"/d/a.json\",\"element\":7,\"fate\":\"dropped\",\"reason\":\"too_long\"}\n");
}

TEST(Ledger, FileHasOneObjectARow) {
  const tests::TempDir dir;
  Ledger ledger = make_ledger();
  ledger.add({9, ledger.add_file("odd \"\xFF.jsonl"), 0, 0, 0, ledger.add_reason("unknown_role:\"\n"), 0,
              Fate::kDropped});
  const std::string path = (dir.path() / "ledger.jsonl").string();
  ledger.write_jsonl(path);
  std::istringstream lines(tests::read_bytes(path));
  std::vector<Json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(
      rows[1].dump(),
      R"({"file":"/somewhere/a.jsonl","line":2,"fate":"truncated","reason":"repaired:trailing_user","documents":1,"tokens":50,"trained_tokens":20,"cut_tokens":30})");
  EXPECT_EQ(rows[2].dump(),
            R"({"file":"/somewhere/a.jsonl","line":4,"fate":"dropped","reason":"invalid_json"})");
  EXPECT_EQ(rows[4]["fate"], "not_taken");
  EXPECT_EQ(rows[5]["reason"], "unknown_role:\"\n");
  EXPECT_THROW(ledger.write_jsonl((dir.path() / "none" / "x").string()), Error);
}

TEST(Ledger, ReasonsWithoutEndKeepTheirKind) {
  Ledger ledger;
  std::uint16_t last = 0;
  for (int i = 0; i < 70000; ++i) last = ledger.add_reason("unknown_role:r" + std::to_string(i));
  EXPECT_EQ(ledger.reasons()[last], "unknown_role");
}

}  // namespace
}  // namespace caravan::data
