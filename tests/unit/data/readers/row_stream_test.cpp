#include "data/readers/row_stream.h"

#include <gtest/gtest.h>

#include "data/readers/row.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

struct SeenRow {
  std::string text;
  std::uint64_t line;
  bool too_long;
  bool operator==(const SeenRow&) const = default;
};

std::vector<SeenRow> read_all(const std::string& path, RowLimits limits = {}) {
  RowStream stream(path, limits);
  RowBlock block;
  std::vector<SeenRow> rows;
  std::uint64_t blocks = 0;
  while (stream.next(block)) {
    EXPECT_EQ(block.index, blocks++);
    for (const RowBlock::Row& row : block.rows)
      rows.push_back({std::string(block.text(row)), row.line, row.too_long});
  }
  return rows;
}

TEST(RowStream, LinesKeepTheirNumbers) {
  const tests::TempDir dir;
  const std::string path = dir.write("a.jsonl", "one\n\n  \nfour\r\nlast");
  EXPECT_EQ(
      read_all(path),
      (std::vector<SeenRow>{
          {"one", 1, false}, {"", 2, false}, {"  ", 3, false}, {"four\r", 4, false}, {"last", 5, false}}));
  EXPECT_TRUE(read_all(dir.write("empty.jsonl", "")).empty());
  EXPECT_EQ(read_all(dir.write("one.jsonl", "\n")).size(), 1u);
}

TEST(RowStream, ElementsOfAnArray) {
  const tests::TempDir dir;
  const std::string path = dir.write("a.json", "\xEF\xBB\xBF \n[ {\"a\": \"x,]}\\\"\"} ,\n [1,[2]], 3 ]\n");
  EXPECT_EQ(
      read_all(path),
      (std::vector<SeenRow>{{"{\"a\": \"x,]}\\\"\"}", 1, false}, {"[1,[2]]", 2, false}, {"3", 3, false}}));
  EXPECT_TRUE(read_all(dir.write("empty.json", "[ ]")).empty());
  EXPECT_EQ(read_all(dir.write("lines.json", "{\"a\":1}\n{\"a\":2}\n")).size(), 2u);
}

TEST(RowStream, ABrokenArrayShowsAsARow) {
  const tests::TempDir dir;
  int number = 0;
  for (const char* text : {"[{\"a\":1}", "[{\"a\":1},", "[{\"a\":1}] {\"a\":2}", "[{\"a\":1}}",
                           "[{\"a\":1},]", "[{\"a\":1},,{\"a\":2}]", "["}) {
    const std::vector<SeenRow> rows = read_all(dir.write(std::to_string(number++) + ".json", text));
    ASSERT_FALSE(rows.empty()) << text;
    int broken = 0;
    JsonRow json;
    for (const SeenRow& row : rows) broken += json.parse(row.text) != JsonRow::Status::kOk;
    EXPECT_EQ(broken, 1) << text;
  }
}

TEST(RowStream, RowsOverTheLimitAreSkippedAndReported) {
  const tests::TempDir dir;
  const std::string big(3 << 20, 'x');
  const RowLimits limits{.row_bytes = 1 << 20, .block_bytes = 1 << 20};
  EXPECT_EQ(read_all(dir.write("a.jsonl", "a\n" + big + "\nb\n" + big), limits),
            (std::vector<SeenRow>{{"a", 1, false}, {"", 2, true}, {"b", 3, false}, {"", 4, true}}));
  EXPECT_EQ(read_all(dir.write("a.json", "[1,\"" + big + "\",2]"), limits),
            (std::vector<SeenRow>{{"1", 1, false}, {"", 2, true}, {"2", 3, false}}));
}

TEST(RowStream, BlocksAreAFunctionOfTheBytes) {
  const tests::TempDir dir;
  std::string lines;
  for (int i = 0; i < 20000; ++i) lines += std::string(static_cast<std::size_t>(i % 300), 'a') + "\n";
  const std::string path = dir.write("a.jsonl", lines);
  const RowLimits limits{.row_bytes = 1 << 20, .block_bytes = 100000};
  RowStream first(path, limits);
  RowBlock block;
  std::size_t rows = 0;
  std::uint64_t blocks = 0;
  while (first.next(block)) {
    ++blocks;
    rows += block.rows.size();
    EXPECT_LT(block.bytes.size(), 100000u + 300u);
  }
  EXPECT_EQ(rows, 20000u);
  EXPECT_GT(blocks, 20u);
}

TEST(RowStream, StringsAcrossReadBordersStayWhole) {
  const tests::TempDir dir;
  // Escapes fall on every offset around the 1 MiB reads.
  std::string array = "[";
  for (std::size_t i = 0; i < 40; ++i) {
    array.append("\"").append(52000 + i, 'y').append("\\\\\\\"],\",");
  }
  array.back() = ']';
  const std::vector<SeenRow> rows = read_all(dir.write("a.json", array));
  ASSERT_EQ(rows.size(), 40u);
  JsonRow json;
  for (const SeenRow& row : rows) EXPECT_EQ(json.parse(row.text), JsonRow::Status::kOk);
}

}  // namespace
}  // namespace caravan::data
