#include "recipes/synthesis/persona_files.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/json_file.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

class PersonaFiles : public testing::Test {
 protected:
  std::vector<Json> rows_of(const std::string& text) const {
    write_line_rows(dir_.write("in.txt", text), {}, "persona", (dir_ / "out.jsonl").string());
    return tests::read_json_lines(dir_ / "out.jsonl");
  }
  std::string error_of(const std::string& text) const {
    try {
      rows_of(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  const tests::TempDir dir_;
};

TEST_F(PersonaFiles, LinesAreWholeAndNumbered) {
  const std::string nul("a smith\0 and a baker", 20);
  const std::vector<Json> rows = rows_of("\n  a smith \r\n\n" + nul + "\n" + std::string(65536, 'x'));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], (Json{{"id", "2"}, {"persona", "a smith"}}));
  EXPECT_EQ(rows[1]["persona"], nul);
  EXPECT_EQ(rows[2]["persona"].get<std::string>().size(), 65536u);
  EXPECT_EQ(rows[2]["id"], "5");
}

TEST_F(PersonaFiles, WhatIsNoLineNamesItsPlace) {
  EXPECT_NE(error_of("a\n" + std::string(65537, 'x')).find("in.txt:2: a line has at most 64 KiB"),
            std::string::npos);
  EXPECT_NE(error_of("a\nb\xff\n").find("in.txt:2: is not UTF-8"), std::string::npos);
  EXPECT_NE(error_of(" \n\n").find("holds no line"), std::string::npos);
  EXPECT_THROW(write_line_rows((dir_ / "none.txt").string(), {}, "x", (dir_ / "o").string()), Error);
}

TEST_F(PersonaFiles, ATextMayStandForAFile) {
  write_line_rows({}, "bread\nsnow\n", "topic", (dir_ / "out.jsonl").string());
  EXPECT_EQ(tests::read_json_lines(dir_ / "out.jsonl")[1], (Json{{"id", "2"}, {"topic", "snow"}}));
}

}  // namespace
}  // namespace caravan::recipes
