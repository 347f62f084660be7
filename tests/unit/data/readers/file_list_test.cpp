#include "data/readers/file_list.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

TEST(FileList, GlobsAreSortedByBytes) {
  const tests::TempDir dir;
  const std::string b = dir.write("b.jsonl", ""), a10 = dir.write("a10.jsonl", ""),
                    a9 = dir.write("a9.jsonl", ""), upper = dir.write("Z.jsonl", "");
  std::filesystem::create_directory(dir.path() / "folder.jsonl");
  EXPECT_EQ(list_files((dir.path() / "*.jsonl").string()), (std::vector<std::string>{upper, a10, a9, b}));
  EXPECT_EQ(list_files((dir.path() / "a[0-9].jsonl").string()), std::vector<std::string>{a9});
}

TEST(FileList, ANameThatExistsIsTakenLiterally) {
  const tests::TempDir dir;
  const std::string odd = dir.write("odd[1].jsonl", "");
  dir.write("odd1.jsonl", "");
  EXPECT_EQ(list_files(odd), std::vector<std::string>{odd});
}

TEST(FileList, RefusesWhatCannotBeRead) {
  const tests::TempDir dir;
  EXPECT_THROW(list_files((dir.path() / "none.jsonl").string()), Error);
  EXPECT_THROW(list_files((dir.path() / "*.jsonl").string()), Error);
  EXPECT_THROW(list_files(dir.path().string()), Error);
  EXPECT_THROW(list_files(dir.write("a.txt", "")), Error);
  EXPECT_THROW(list_files(dir.write("gz", "")), Error);
}

TEST(FileList, EndingsTellTheKind) {
  EXPECT_EQ(row_file_kind("x.jsonl.zst"), RowFileKind::kJsonLines);
  EXPECT_EQ(row_file_kind("x.ndjson.gz"), RowFileKind::kJsonLines);
  EXPECT_EQ(row_file_kind("x.json.gz"), RowFileKind::kJson);
  EXPECT_EQ(row_file_kind("x.csv.gz"), RowFileKind::kCsv);
  EXPECT_EQ(row_file_kind("x.tsv"), RowFileKind::kTsv);
  EXPECT_EQ(row_file_kind("x.parquet"), RowFileKind::kParquet);
  EXPECT_THROW(row_file_kind("x.parquet.gz"), Error);
}

}  // namespace
}  // namespace caravan::data
