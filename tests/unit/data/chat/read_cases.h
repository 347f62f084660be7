// Reads the reference files of the chat room.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "data/chat/jinja_clock.h"
#include "data/chat/template.h"
#include "data/error.h"
#include "data/message.h"
#include "tests/support/shared_data.h"

namespace caravan::tests {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::vector<data::Json> read_jsonl(const std::filesystem::path& path) {
  std::vector<data::Json> rows;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) rows.push_back(data::Json::parse(line));
  return rows;
}

// The references were made on this day.
inline data::RenderOptions on_reference_day() {
  data::RenderOptions options;
  options.now = data::parse_date("2025-07-10");
  return options;
}

// Text, or "error: ..." where the render is refused.
inline std::string render_or_error(const std::string& source, const data::Json& variables) {
  try {
    return data::ChatTemplate(source, "template").render(variables, on_reference_day()).text;
  } catch (const data::Error& error) {
    return std::string("error: ") + error.what();
  }
}

}  // namespace caravan::tests
