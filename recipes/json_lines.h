// JSON lines from a stream: one object a line, whatever the bytes.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "data/message.h"
#include "data/readers/json_row.h"

namespace caravan::recipes {

// Either an object, or the reason why this line is none.
struct JsonLine {
  std::size_t number = 0;  // counts from 1, blank lines included
  data::Json row;
  std::string problem;
  std::string_view text;  // of the line, until the next one is read
};

class JsonLines {
 public:
  // A longer line is a problem of its own; its bytes are not kept.
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

  explicit JsonLines(std::istream& in) : in_(in) {}
  // The next line that is not blank; nothing at the end. Throws data::Error (74) where the stream fails.
  std::optional<JsonLine> next();

 private:
  bool read_line();
  JsonLine parse();

  std::istream& in_;
  std::size_t number_ = 0;
  std::string line_;
  bool too_long_ = false, ended_ = false;
  data::JsonRow json_;
};

// Appends [1,2,3], numbers in the fewest digits that read back as the same float, the first `num_nulls`
// elements as null.
void append_list(std::string& out, const std::vector<float>& values, std::size_t num_nulls = 0);
void append_list(std::string& out, const std::vector<std::int32_t>& values);
// A string with its quotes; bytes that are no UTF-8 become U+FFFD.
void append_string(std::string& out, const std::string& text);
// {"error": "line 3: ..."}
std::string error_row(std::size_t number, const std::string& problem);

}  // namespace caravan::recipes
