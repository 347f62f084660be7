// Runs `caravan data convert` on a file and reads back what it wrote: a fate for each row, with its records.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "data/message.h"
#include "recipes/commands/data_convert.h"
#include "tests/support/temp_dir.h"

namespace caravan::tests {

inline std::vector<data::Json> read_lines(const std::filesystem::path& path) {
  std::vector<data::Json> lines;
  std::istringstream in(read_bytes(path));
  for (std::string line; std::getline(in, line);) lines.push_back(data::Json::parse(line));
  return lines;
}

struct ConvertedFile {
  struct Row {
    std::string fate;
    std::vector<std::string> reasons;
    std::vector<data::Json> records;
  };
  std::vector<Row> rows;
  data::Json report;
  std::string bytes;
};

// Throws data::Error as the command does.
inline ConvertedFile convert(const std::vector<std::string>& args) {
  const TempDir dir;
  std::vector<std::string> all = args;
  const std::string out = (dir / "out.jsonl").string(), folder = (dir / "report").string();
  for (const std::string& word :
       {std::string("--out"), out, std::string("--report"), folder, std::string("--quiet")})
    all.push_back(word);
  EXPECT_EQ(recipes::run_data_convert(all), 0);
  const std::vector<data::Json> records = read_lines(out);
  ConvertedFile converted;
  for (const data::Json& fate : read_lines(folder + "/fates.jsonl")) {
    ConvertedFile::Row& row = converted.rows.emplace_back();
    row.fate = fate["fate"];
    row.reasons = fate["reasons"].get<std::vector<std::string>>();
    for (const data::Json& record : fate["rows"])
      row.records.push_back(records.at(record["line"].get<std::size_t>() - 1));
  }
  converted.report = data::Json::parse(read_bytes(folder + "/report.json"));
  converted.bytes = read_bytes(out);
  return converted;
}

}  // namespace caravan::tests
