#include "data/rewards/latex_layout.h"

#include <algorithm>
#include <utility>

#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

bool is_letter(char c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Walks over a text and knows how many brackets are open. Intervals may close with another kind than they
// opened with.
class BracketWalk {
 public:
  explicit BracketWalk(std::string_view text) : text_(text) {}
  bool done() const { return at_ >= text_.size(); }
  std::size_t at() const { return at_; }
  bool outside() const { return depth_ == 0; }
  void skip(std::size_t num_bytes) { at_ += num_bytes; }

  void advance() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("\\begin{")) ++depth_;
    if (rest.starts_with("\\end{") && depth_ > 0) --depth_;
    const bool escaped = rest[0] == '\\' && rest.size() > 1 && (rest[1] == '{' || rest[1] == '}');
    const char c = escaped ? rest[1] : rest[0];
    if (c == '(' || c == '[' || c == '{') ++depth_;
    if ((c == ')' || c == ']' || c == '}') && depth_ > 0) --depth_;
    at_ += escaped ? 2 : 1;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0, depth_ = 0;
};

bool marker_at(std::string_view text, std::size_t at, std::string_view marker) {
  if (text.substr(at, marker.size()) != marker) return false;
  const std::size_t end = at + marker.size();
  return marker[0] != '\\' || end >= text.size() || !is_letter(text[end]);
}

std::string_view relation_at(std::string_view text, std::size_t at) {
  for (const std::string_view sign : {"=", "<", ">", "\\le", "\\ge", "\\ne"}) {
    if (marker_at(text, at, sign)) return sign;
  }
  return {};
}

constexpr std::string_view kShortUnits[] = {"cm",  "mm",  "km",  "kg", "mg", "ft",  "mph", "hr",
                                            "hrs", "min", "sec", "ml", "lb", "lbs", "oz",  "yd"};

constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
    {"centimeter", "cm"}, {"centimetre", "cm"}, {"millimeter", "mm"}, {"kilometer", "km"}, {"meter", "m"},
    {"metre", "m"},       {"inches", "in"},     {"inch", "in"},       {"feet", "ft"},      {"foot", "ft"},
    {"yard", "yd"},       {"hour", "h"},        {"hr", "h"},          {"minute", "min"},   {"second", "s"},
    {"sec", "s"},         {"kilogram", "kg"},   {"gram", "g"},        {"degree", ""},      {"dollar", ""},
    {"unit", ""},         {"squareunit", ""},   {"cubicunit", ""},    {"point", ""}};

std::string unit_form(std::string_view text) {
  std::string unit;
  for (const char c : lower(replace_all(text, "\\text", ""))) {
    if (is_letter(c) || is_digit(c)) unit.push_back(c);
  }
  if (unit.size() > 3 && unit.ends_with('s') && unit != "inches") unit.pop_back();
  for (const auto& [name, form] : kUnits) {
    if (unit == name) return std::string(form);
  }
  return unit;
}

bool is_unit_word(std::string_view word) {
  word = word.substr(0, word.find('^'));
  if (word.size() < 2 || !std::all_of(word.begin(), word.end(), is_letter)) return false;
  const bool listed =
      std::find(std::begin(kShortUnits), std::end(kShortUnits), word) != std::end(kShortUnits);
  return listed ||
         (word.size() >= 4 && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a'; }));
}

}  // namespace

std::vector<std::string> split_top(std::string_view text, std::string_view marker) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (BracketWalk walk(text); !walk.done();) {
    if (!walk.outside() || !marker_at(text, walk.at(), marker)) {
      walk.advance();
      continue;
    }
    parts.emplace_back(trim(text.substr(begin, walk.at() - begin)));
    walk.skip(marker.size());
    begin = walk.at();
  }
  parts.emplace_back(trim(text.substr(begin)));
  return parts;
}

std::string join_lists(std::string_view text) {
  std::string joined(text);
  for (const std::string_view word : {"\\text{ and }", "\\text{and}", "\\text{ and}", "\\text{and }",
                                      "\\text{ or }", "\\text{or}", "\\text{, and }", " and ", " or ", ";"}) {
    if (contains(joined, word)) joined = replace_all(joined, word, ",");
  }
  return replace_all(replace_all(joined, ", ,", ","), ",,", ",");
}

bool is_wrapped(std::string_view text) {
  if (text.size() < 2) return false;
  BracketWalk walk(text);
  walk.advance();
  if (walk.outside()) return false;
  while (!walk.done()) {
    walk.advance();
    if (walk.outside()) return walk.done();
  }
  return false;
}

bool has_relation(std::string_view text) {
  for (BracketWalk walk(text); !walk.done(); walk.advance()) {
    if (walk.outside() && !relation_at(text, walk.at()).empty()) return true;
  }
  return false;
}

void split_relations(std::string_view text, std::vector<std::string>& sides,
                     std::vector<std::string>& signs) {
  std::size_t begin = 0;
  for (BracketWalk walk(text); !walk.done();) {
    const std::string_view sign = walk.outside() ? relation_at(text, walk.at()) : std::string_view();
    if (sign.empty()) {
      walk.advance();
      continue;
    }
    sides.emplace_back(trim(text.substr(begin, walk.at() - begin)));
    signs.emplace_back(sign);
    walk.skip(sign.size());
    begin = walk.at();
  }
  sides.emplace_back(trim(text.substr(begin)));
}

bool is_name(std::string_view text) {
  text = trim(text);
  const std::string_view base = text.substr(0, text.find('_'));
  if (base.empty() || base == "\\infty" || base == "\\pi") return false;
  if (base.size() == 1) return is_letter(base[0]);
  return base[0] == '\\' && std::all_of(base.begin() + 1, base.end(), is_letter);
}

bool is_call(std::string_view text) {
  text = trim(text);
  const std::size_t open = text.find('(');
  return open != std::string_view::npos && is_name(text.substr(0, open)) && is_wrapped(text.substr(open));
}

std::size_t split_matrix(std::string_view text, std::vector<std::string>& cells) {
  const std::size_t name_end = text.find('}'), end = text.rfind("\\end{");
  if (name_end == std::string_view::npos || end == std::string_view::npos || end < name_end) return 0;
  if (!contains(text.substr(0, name_end), "matrix") || text.find("\\begin{", 1) != std::string_view::npos)
    return 0;
  if (text.find('}', end) + 1 != text.size()) return 0;
  std::size_t columns = 0;
  std::vector<std::string_view> rows = split_at(text.substr(name_end + 1, end - name_end - 1), "\\\\");
  if (rows.size() > 1 && trim(rows.back()).empty()) rows.pop_back();
  for (const std::string_view row : rows) {
    const std::vector<std::string_view> parts = split_at(row, "&");
    if (columns != 0 && parts.size() != columns) return 0;
    columns = parts.size();
    for (const std::string_view part : parts) cells.emplace_back(trim(part));
  }
  return columns;
}

std::string_view without_unit(std::string_view text, std::string& unit, bool& percent) {
  std::string_view rest = trim(text);
  if (const std::size_t word = rest.find("\\text"); word != std::string_view::npos && word > 0) {
    unit = unit_form(rest.substr(word));
    rest = trim(rest.substr(0, word));
  }
  while (true) {
    const std::size_t space = rest.rfind(' ');
    if (space == std::string_view::npos || !is_unit_word(rest.substr(space + 1))) break;
    unit = unit_form(std::string(rest.substr(space + 1)) + unit);
    rest = trim(rest.substr(0, space));
  }
  if (rest.ends_with('%')) {
    percent = true;
    rest.remove_suffix(rest.ends_with("\\%") ? 2 : 1);
  }
  if (unit == "percent") {
    percent = true;
    unit.clear();
  }
  return trim(rest);
}

}  // namespace caravan::data
