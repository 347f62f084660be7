// Rows of a jsonl file of reference data, for tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::tests {

inline std::vector<data::Json> read_json_lines(const std::filesystem::path& path) {
  std::vector<data::Json> rows;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) rows.push_back(data::Json::parse(line));
  return rows;
}

inline data::Json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return data::Json::parse(file);
}

}  // namespace caravan::tests
