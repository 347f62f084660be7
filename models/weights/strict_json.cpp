#include "models/weights/strict_json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "models/error.h"
#include "models/weights/mapped_file.h"
#include "models/weights/quote.h"

namespace caravan::models {

namespace {

using nlohmann::json;

// Sees every key and bracket while the library parses, and stops it by throwing.
class StrictnessCheck {
 public:
  explicit StrictnessCheck(const std::string& where) : where_(where) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth >= kMaxJsonDepth) fail("is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    if (event == json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second)
        fail("has the key \"" + printable(key) + "\" twice in one object");
    }
    return true;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Error::Kind::kData,
                where_ + ": " + what + "; the file is damaged or was made by hand: repair it");
  }

  std::string where_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

std::string line_and_column(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, std::min(position, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return std::to_string(line) + ":" + std::to_string(before.size() - line_begin + 1);
}

std::string syntax_error_text(const std::exception& error) {
  std::string_view text = error.what();
  // "[json.exception.parse_error.101] parse error at line 6, column 1: syntax error ...": the place is said
  // by us.
  for (const std::string_view mark : {"] ", "parse error", ": "}) {
    const std::size_t at = text.find(mark);
    if (at != std::string_view::npos && at < 80) text.remove_prefix(at + mark.size());
  }
  return printable(text);
}

json parse_strict_json(std::string_view text, const std::string& where) {
  try {
    return json::parse(text, StrictnessCheck(where));
  } catch (const json::parse_error& error) {
    const std::size_t position = error.byte > 0 ? error.byte - 1 : 0;
    throw Error(Error::Kind::kData, where + ":" + line_and_column(text, position) + ": is not valid JSON (" +
                                        syntax_error_text(error) +
                                        "); the file is damaged or cut short: fetch it again");
  } catch (const json::out_of_range& error) {
    throw Error(Error::Kind::kData, where + ": is not valid JSON (" + syntax_error_text(error) +
                                        "); the file is damaged: fetch it again");
  }
}

json read_json_object(const std::string& path, std::size_t max_bytes) {
  json value = parse_strict_json(read_text_file(path, max_bytes), path);
  if (!value.is_object()) {
    throw Error(Error::Kind::kData, path + ": holds " + std::string(value.type_name()) +
                                        " at the top, a JSON object {...} is needed");
  }
  return value;
}

}  // namespace caravan::models
