#include "data/walk/fate_ledger.h"

#include <gtest/gtest.h>

#include <sstream>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::vector<Json> lines_of(const std::filesystem::path& path) {
  std::vector<Json> lines;
  std::istringstream in(tests::read_bytes(path));
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

// Keeps rows with "keep", makes two of rows with "two", drops the others.
void decide(const WalkBlock& block, JsonRow& json, BlockFates& fates, bool details) {
  fates.clear(details);
  for (std::size_t i = 0; i < block.size(); ++i) {
    const WalkRow row = walk_row(block, i, json);
    if (!row.sound()) {
      fates.refuse(row);
    } else if (row.root().find("keep")) {
      fates.keep(row);
    } else if (row.root().find("two")) {
      const BlockFates::Made made[] = {{"{\"id\":\"a\"}", "a"}, {"{\"id\":\"b\"}", "b"}};
      fates.make(row, made, {"repaired:split"}, RowFate::kRepaired);
    } else {
      fates.drop(row, "unwanted:" + row.id());
    }
  }
}

struct Ran {
  Json report;
  std::string out, summary;
};

Ran run(const tests::TempDir& dir, const std::string& text, std::size_t threads) {
  const std::string file = dir.write("in.jsonl", text);
  const std::string folder = (dir / ("report" + std::to_string(threads))).string();
  const std::string out = (dir / ("out" + std::to_string(threads) + ".jsonl")).string();
  RowWalk walk({file}, {.threads = threads, .limits = {.block_bytes = 1}, .hash_files = true});
  FateLedger ledger({.folder = folder, .samples = 2, .files = {file}});
  RowWriter writer(out, {}, true);
  walk.run<BlockFates>(
      [](const WalkBlock& block, JsonRow& json, BlockFates& fates) { decide(block, json, fates, true); },
      [&](const WalkBlock&, BlockFates& fates) { ledger.take(fates, &writer); });
  ledger.check_balance(walk);
  writer.finish();
  ledger.finish_fates();
  writer.commit();
  ledger.commit(ledger.report(walk, out, &writer, {{"command", "test"}}, {{"extra", 1}}));
  return {Json::parse(tests::read_bytes(folder + "/report.json")), tests::read_bytes(out), ledger.summary()};
}

constexpr const char* kRows =
    "{\"id\": \"k\",  \"keep\": 1}\n"
    "\n"
    "{\"two\": 1}\n"
    "broken\n"
    "{\"id\":\"d\"}\n";

TEST(FateLedger, EveryRowIsWrittenDownAndTheTotalsAgree) {
  const tests::TempDir dir;
  const Ran ran = run(dir, kRows, 1);
  EXPECT_EQ(ran.out, "{\"id\": \"k\",  \"keep\": 1}\n{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
  EXPECT_EQ(
      ran.report["totals"],
      Json::parse(R"({"rows":5,"kept":1,"repaired":1,"merged":0,"dropped":2,"ignored":1,"written":3})"));
  EXPECT_EQ(ran.report["inputs"][0]["sha256"], sha256_hex(kRows));
  EXPECT_EQ(ran.report["output"]["sha256"], sha256_hex(ran.out));
  EXPECT_EQ(ran.report["extra"], 1);
  const std::vector<Json> fates = lines_of(dir / "report1" / "fates.jsonl");
  ASSERT_EQ(fates.size(), 5u);
  EXPECT_EQ(fates[0]["fate"], "kept");
  EXPECT_EQ(fates[0]["rows"][0]["hash"], fates[0]["hash"]);
  EXPECT_EQ(fates[0]["id"], "k");
  EXPECT_EQ(fates[1]["reasons"], Json({"blank_line"}));
  EXPECT_EQ(fates[2]["rows"],
            Json::parse(R"([{"line":2,"id":"a","hash":")" + row_hash("{\"id\":\"a\"}") +
                        R"("},{"line":3,"id":"b","hash":")" + row_hash("{\"id\":\"b\"}") + R"("}])"));
  EXPECT_EQ(fates[3]["reasons"], Json({"invalid_json"}));
  EXPECT_EQ(fates[4]["line"], 5);
  EXPECT_NE(ran.summary.find("1 dropped, unwanted:d, first in.jsonl:5\n    in.jsonl:5  {\"id\":\"d\"}\n"),
            std::string::npos)
      << ran.summary;
}

TEST(FateLedger, ThreadsDoNotShow) {
  const tests::TempDir dir;
  std::string rows;
  for (int i = 0; i < 200; ++i) rows += kRows;
  const Ran one = run(dir, rows, 1), four = run(dir, rows, 4);
  EXPECT_EQ(one.out, four.out);
  EXPECT_EQ(tests::read_bytes(dir / "report1" / "fates.jsonl"),
            tests::read_bytes(dir / "report4" / "fates.jsonl"));
}

TEST(FateLedger, AnEarlierReportIsKept) {
  const tests::TempDir dir;
  dir.write("report/report.json", "{}");
  EXPECT_THROW(FateLedger({.folder = (dir / "report").string()}), Error);
  EXPECT_NO_THROW(FateLedger({.folder = (dir / "report").string(), .force = true}));
  EXPECT_EQ(tests::read_bytes(dir / "report" / "report.json"), "{}");
}

// A row that the command forgot, and a dropped row with a line, must not pass.
TEST(FateLedger, WhatDoesNotBalanceFails) {
  const tests::TempDir dir;
  const std::string file = dir.write("in.jsonl", kRows);
  RowWalk walk({file}, {.threads = 1});
  FateLedger ledger({.files = {file}});
  walk.run<BlockFates>(
      [](const WalkBlock& block, JsonRow& json, BlockFates& fates) {
        fates.clear(false);
        for (std::size_t i = 1; i < block.size(); ++i) fates.drop(walk_row(block, i, json), "x");
      },
      [&](const WalkBlock&, BlockFates& fates) { ledger.take(fates, nullptr); });
  try {
    ledger.check_balance(walk);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 70);
  }
  BlockFates wrong;
  wrong.clear(false);
  const BlockFates::Made made[] = {{"{}", ""}};
  wrong.make(WalkRow{}, made, {}, RowFate::kDropped);
  EXPECT_THROW(ledger.take(wrong, nullptr), Error);
}

}  // namespace
}  // namespace caravan::data
