#include "recipes/json_lines.h"

#include <charconv>

#include "data/error.h"

namespace caravan::recipes {

namespace {

const char* problem_of(data::JsonRow::Status status) {
  switch (status) {
    case data::JsonRow::Status::kOk:
      return "";
    case data::JsonRow::Status::kInvalidUtf8:
      return "the line is not valid UTF-8";
    case data::JsonRow::Status::kInvalidJson:
      return "the line is not valid JSON";
    case data::JsonRow::Status::kTooDeep:
      return "the JSON is nested deeper than 256 levels";
    case data::JsonRow::Status::kLoneSurrogate:
      return "the JSON has a lone surrogate (\\ud800 to \\udfff)";
    case data::JsonRow::Status::kDuplicateKey:
      return "the JSON has a key twice in one object";
  }
  return "";
}

template <class Value>
void append_digits(std::string& out, Value value) {
  char digits[48];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

// A stream buffer throws where the file cannot be read; a stream would keep that to itself.
bool JsonLines::read_line() try {
  line_.clear();
  too_long_ = false;
  // A terminal would be waited for again behind its end.
  if (ended_) return false;
  std::streambuf* const bytes = in_.rdbuf();
  bool any = false;
  for (int c = bytes->sbumpc(); c != std::char_traits<char>::eof(); c = bytes->sbumpc()) {
    any = true;
    if (c == '\n') break;
    if (line_.size() < kMaxBytes)
      line_.push_back(static_cast<char>(c));
    else
      too_long_ = true;
  }
  ended_ = !any;
  return any;
} catch (const std::ios_base::failure&) {
  throw data::Error(data::Error::Kind::kInputOutput, "stdin cannot be read; is it closed, or a folder?");
}

JsonLine JsonLines::parse() {
  JsonLine line{.number = number_, .row = {}, .problem = {}, .text = line_};
  if (too_long_) {
    line.problem = "the line is longer than " + std::to_string(kMaxBytes >> 20) + " MiB";
    return line;
  }
  const auto status = json_.parse(line_);
  if (status != data::JsonRow::Status::kOk) {
    line.problem = problem_of(status);
    return line;
  }
  if (!json_.root().is(data::JsonValue::Type::kObject)) {
    line.problem = "the line is JSON, but no object";
    return line;
  }
  auto row = json_.root().to_json();
  if (row)
    line.row = std::move(*row);
  else
    line.problem = "the JSON has a number that no 64-bit integer and no double holds";
  return line;
}

std::optional<JsonLine> JsonLines::next() {
  while (read_line()) {
    ++number_;
    if (line_.find_first_not_of(" \t\r") != std::string::npos || too_long_) return parse();
  }
  return std::nullopt;
}

void append_list(std::string& out, const std::vector<float>& values, std::size_t num_nulls) {
  out.push_back('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.push_back(',');
    if (i < num_nulls)
      out.append("null");
    else
      append_digits(out, values[i]);
  }
  out.push_back(']');
}

void append_list(std::string& out, const std::vector<std::int32_t>& values) {
  out.push_back('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_digits(out, values[i]);
  }
  out.push_back(']');
}

void append_string(std::string& out, const std::string& text) {
  out += data::Json(text).dump(-1, ' ', false, data::Json::error_handler_t::replace);
}

std::string error_row(std::size_t number, const std::string& problem) {
  std::string out = "{\"error\":";
  append_string(out, "line " + std::to_string(number) + ": " + problem);
  return out + "}";
}

}  // namespace caravan::recipes
