#include "data/readers/csv_rows.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/message.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

struct CsvRow {
  std::uint64_t line;
  std::string text;
  bool operator==(const CsvRow&) const = default;
};
void PrintTo(const CsvRow& row, std::ostream* out) {
  *out << row.line << ": " << row.text;
}

std::vector<CsvRow> read(const std::string& bytes, const std::string& name = "a.csv", RowLimits limits = {}) {
  const tests::TempDir dir;
  const std::unique_ptr<RowSource> source = open_rows(dir.write(name, bytes), limits);
  RowBlock block;
  std::vector<CsvRow> rows;
  while (source->next(block)) {
    for (const RowBlock::Row& row : block.rows)
      rows.push_back({row.line, row.too_long  ? "too long"
                                : row.problem ? row.problem
                                              : std::string(block.text(row))});
  }
  return rows;
}

using Rows = std::vector<CsvRow>;

TEST(CsvRows, TheHeaderNamesTheFields) {
  EXPECT_EQ(read("a,b\n1,2\r\n,\"\"\n"), (Rows{{2, R"({"a":"1","b":"2"})"}, {3, R"({"a":"","b":""})"}}));
  EXPECT_EQ(read("\xEF\xBB\xBF\"a \"\"x\"\"\",b\n1,2"), (Rows{{2, R"({"a \"x\"":"1","b":"2"})"}}));
  EXPECT_EQ(read("a\tb\n1,5\t2\n", "a.tsv"), (Rows{{2, R"({"a":"1,5","b":"2"})"}}));
  EXPECT_TRUE(read("").empty());
  EXPECT_TRUE(read("a,b\n").empty());
}

TEST(CsvRows, QuotesHoldSeparatorsAndLineFeeds) {
  EXPECT_EQ(read("a,b\n\"x,\"\"y\"\"\n\r\nz\",2\n3,4\n"),
            (Rows{{2, R"({"a":"x,\"y\"\n\r\nz","b":"2"})"}, {5, R"({"a":"3","b":"4"})"}}));
  EXPECT_EQ(read("a\nit is \"quoted\"\nx\ry\n"),
            (Rows{{2, R"({"a":"it is \"quoted\""})"}, {3, "{\"a\":\"x\\ry\"}"}}));
}

// A separator is a byte on the disk and a text in memory.
TEST(CsvRows, ARecordOfSeparatorsAloneIsTooLong) {
  EXPECT_EQ(read("a,b\n" + std::string(1 << 22, ',') + "\n1,2\n"),
            (Rows{{2, "too long"}, {3, R"({"a":"1","b":"2"})"}}));
  EXPECT_EQ(read("a,b\n" + std::string((1 << 16) - 1, ',') + "\n"), (Rows{{2, "csv_number_of_fields"}}));
  EXPECT_THROW(read(std::string(1 << 22, ',') + "\n1,2\n"), Error);
}

TEST(CsvRows, WhatDoesNotFitHasAFateAndALine) {
  EXPECT_EQ(read("a,b\n1\n\n1,2,3\n\"x\"y,2\n1,2\n\"open,1\n2,3\n"), (Rows{{2, "csv_number_of_fields"},
                                                                           {3, ""},
                                                                           {4, "csv_number_of_fields"},
                                                                           {5, "csv_text_after_quote"},
                                                                           {6, R"({"a":"1","b":"2"})"},
                                                                           {7, "csv_unclosed_quote"}}));
  EXPECT_EQ(read("a,b\n" + std::string(100, 'x') + ",2\n1,2\n", "a.csv", {.row_bytes = 50}),
            (Rows{{2, "too long"}, {3, R"({"a":"1","b":"2"})"}}));
}

TEST(CsvRows, BytesThatAreNoTextAreTheReadersToRefuse) {
  EXPECT_EQ(read(std::string("a\n\0\x01\n", 5))[0].text, "{\"a\":\"\\u0000\\u0001\"}");
  EXPECT_EQ(read("a\n\xff\n")[0].text, "{\"a\":\"\xff\"}");
}

TEST(CsvRows, AHeaderThatCannotNameFieldsIsAnError) {
  EXPECT_THROW(read("a,a\n1,2\n"), Error);
  EXPECT_THROW(read("\xff,b\n1,2\n"), Error);
  EXPECT_THROW(read("\"a,b\n1,2\n"), Error);
}

TEST(CsvRows, BordersOfReadsDoNotShow) {
  std::string text = "a,b\n";
  for (int i = 0; i < 100000; ++i)
    text += "\"line " + std::to_string(i) + "\r\nof \"\"two\"\"\"," + std::to_string(i) + "\r\n";
  const Rows rows = read(text);
  ASSERT_EQ(rows.size(), 100000u);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json wanted{{"a", "line " + std::to_string(i) + "\r\nof \"two\""}, {"b", std::to_string(i)}};
    ASSERT_EQ(Json::parse(rows[i].text), wanted);
    ASSERT_EQ(rows[i].line, 2 + 2 * i);
  }
}

}  // namespace
}  // namespace caravan::data
