// Files that pyarrow wrote (tests/references/parquet), read row by row.

#include <gtest/gtest.h>

#include <fstream>

#include "data/error.h"
#include "data/message.h"
#include "data/readers/parquet_rows.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

const std::string kFolder = CARAVAN_SOURCE_DIR "/tests/references/parquet/";

bool has_module() {
  return std::filesystem::exists(CARAVAN_BINARY_DIR "/libcaravan_parquet.so");
}
#define SKIP_WITHOUT_PARQUET() \
  if (!has_module()) GTEST_SKIP() << "this build has no Parquet module: the pyarrow wheel was absent"

std::vector<Json> read(const std::string& path, std::size_t block_bytes = 2 << 20) {
  const std::unique_ptr<RowSource> source = open_rows(path, {.block_bytes = block_bytes});
  RowBlock block;
  std::vector<Json> rows;
  while (source->next(block)) {
    for (const RowBlock::Row& row : block.rows) {
      EXPECT_EQ(row.line, rows.size() + 1);
      rows.push_back(row.problem ? Json(row.problem) : Json::parse(block.text(row)));
    }
  }
  return rows;
}

std::string failure(const std::string& path) {
  try {
    read(path);
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << path << " was read";
  return "";
}

TEST(ParquetRows, NestedColumnsBecomeTheObjectsThatWereWritten) {
  SKIP_WITHOUT_PARQUET();
  std::vector<Json> wanted;
  std::ifstream in(kFolder + "messages.jsonl");
  for (std::string line; std::getline(in, line);) wanted.push_back(Json::parse(line));
  ASSERT_EQ(wanted.size(), 20u);
  for (const std::size_t block_bytes : {std::size_t{1}, std::size_t{700}, std::size_t{2} << 20}) {
    EXPECT_EQ(read(kFolder + "messages.parquet", block_bytes), wanted);
  }
}

TEST(ParquetRows, WhatJsonHasNoFormForIsNamed) {
  SKIP_WITHOUT_PARQUET();
  EXPECT_NE(failure(kFolder + "binary.parquet").find("column image holds binary"), std::string::npos);
  const std::vector<Json> rows = read(kFolder + "not_finite.parquet");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["x"], 1.5);
  EXPECT_EQ(rows[1], "number_not_finite");
}

TEST(ParquetRows, DamagedFilesAreErrorsThatNameTheFile) {
  SKIP_WITHOUT_PARQUET();
  const tests::TempDir dir;
  std::string bytes = tests::read_bytes(kFolder + "messages.parquet");
  EXPECT_NE(failure(dir.write("empty.parquet", "")).find("empty.parquet"), std::string::npos);
  EXPECT_NE(failure(dir.write("text.parquet", "{\"a\":1}\n")).find("text.parquet"), std::string::npos);
  EXPECT_NE(failure(dir.write("cut.parquet", bytes.substr(0, bytes.size() - 100))).find("cut.parquet"),
            std::string::npos);
  EXPECT_NE(failure((dir / "none.parquet").string()).find("none.parquet"), std::string::npos);
  // Any one byte of the data may be wrong: rows or an error, never a crash.
  for (std::size_t at = 4; at < bytes.size(); at += 37) {
    std::string wrong = bytes;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x5A);
    try {
      read(dir.write("wrong.parquet", wrong));
    } catch (const Error&) {
    } catch (const Json::exception&) {
    }
  }
}

TEST(ParquetRows, TheFileIsHashed) {
  SKIP_WITHOUT_PARQUET();
  Sha256 hash;
  open_rows(kFolder + "messages.parquet", {}, {.hash = &hash});
  EXPECT_EQ(hash.hex(), sha256_file_hex(kFolder + "messages.parquet"));
}

}  // namespace
}  // namespace caravan::data
