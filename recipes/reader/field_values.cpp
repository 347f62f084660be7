#include "recipes/reader/field_values.h"

#include <charconv>
#include <cmath>
#include <vector>

#include "recipes/nearest_name.h"

namespace caravan::recipes {
namespace {

// Doubles hold every whole number up to here.
constexpr double kLargestExact = 9007199254740992.0;

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string shown = "\"";
  for (char c : text.substr(0, kShown)) shown += c == '\n' ? ' ' : c;
  // A character cut in half is no text.
  if (text.size() > kShown) {
    while (shown.size() > 1 && (static_cast<unsigned char>(shown.back()) & 0xC0u) == 0x80u) shown.pop_back();
    if (shown.size() > 1 && static_cast<unsigned char>(shown.back()) >= 0xC0u) shown.pop_back();
    shown += "...";
  }
  return shown + "\"";
}

std::string refused(const YamlNode& node, const std::string& allowed) {
  return "found " + found_text(node) + "; allowed: " + allowed;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (true) {
    const std::size_t start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return found;
    text.remove_prefix(start);
    const std::size_t end = text.find_first_of(" \t");
    found.push_back(text.substr(0, end));
    text.remove_prefix(found.back().size());
  }
}

// A decimal number that is the whole of `text`.
std::optional<double> number(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

bool in_range(double value, const FieldSpec& spec) {
  const bool above = spec.min_excluded ? value > spec.min : value >= spec.min;
  const bool below = spec.max_excluded ? value < spec.max : value <= spec.max;
  return above && below;
}

// Keys of a map may hold dots, as in "model.dtype: bf16"; a map within it says the same by parts, which is
// what the command line makes of STAGE.with.model.dtype=bf16. There it wins over the file.
struct MapEntry {
  std::string key;
  const YamlNode* value;
};

void flatten(const YamlNode& node, const std::string& before, std::vector<MapEntry>& entries) {
  for (const YamlNode::Entry& entry : node.entries) {
    if (entry.value.kind == YamlNode::Kind::kMap && !entry.value.entries.empty())
      flatten(entry.value, before + entry.key + '.', entries);
    else
      entries.push_back({before + entry.key, &entry.value});
  }
}

template <class T>
std::string parse_map(const YamlNode& node, const FieldSpec& spec, std::map<std::string, T>& value) {
  if (node.kind != YamlNode::Kind::kMap || node.entries.empty())
    return refused(node, allowed_text(spec, &value));
  std::vector<MapEntry> entries;
  flatten(node, "", entries);
  std::map<std::string, T> parsed;
  std::map<std::string, bool> from_command_line;
  for (const auto& [key, given] : entries) {
    const bool overrides = given->where.on_command_line;
    const auto earlier = from_command_line.find(key);
    if (earlier != from_command_line.end()) {
      if (earlier->second == overrides) return quoted(key) + " is given twice; keep one";
      if (earlier->second) continue;
    }
    from_command_line[key] = overrides;
    if constexpr (std::is_same_v<T, std::string>) {
      // As an override has it: it switches a key off.
      if (given->kind == YamlNode::Kind::kNull) {
        parsed[key] = "null";
        continue;
      }
    }
    const std::string problem = parse_value(*given, spec, parsed[key]);
    if (!problem.empty()) return quoted(key) + ": " + problem;
  }
  value = std::move(parsed);
  return {};
}

template <class T>
std::string map_text(const std::map<std::string, T>& value) {
  std::string text;
  for (const auto& [key, one] : value)
    text += (text.empty() ? "{" : ", ") + value_text(key) + ": " + value_text(one);
  return text.empty() ? text : text + '}';
}

// " above 0 and at most 1", or nothing.
std::string range_text(const FieldSpec& spec) {
  std::string text;
  if (std::isfinite(spec.min))
    text += (spec.min_excluded ? " above " : " of at least ") + value_text(spec.min);
  if (std::isfinite(spec.max)) {
    text += text.empty() ? " " : " and ";
    text += (spec.max_excluded ? "below " : "at most ") + value_text(spec.max);
  }
  return text;
}

// "3 %" and "3%" alike: the number, then the unit.
struct Measured {
  std::string_view number;
  std::string_view unit;
};

Measured split_unit(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789.eE+-");
  if (end == std::string_view::npos) return {text, {}};
  // In "3 epochs" the e belongs to the unit; a number never ends in a letter.
  std::string_view amount = text.substr(0, end);
  std::string_view unit = text.substr(end);
  while (!amount.empty() && (amount.back() == 'e' || amount.back() == 'E')) {
    unit = text.substr(amount.size() - 1);
    amount.remove_suffix(1);
  }
  const auto trim = [](std::string_view part) {
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    return part;
  };
  return {trim(amount), trim(unit)};
}

// One thing may be named in the singular: "1 step".
bool is_unit(std::string_view written, std::string_view unit) {
  return written == unit || (unit.ends_with('s') && written == unit.substr(0, unit.size() - 1));
}

// A bare number, spelt with each of the units it may have meant: `"3 %" or "3 steps"`.
std::string spellings(double amount, std::string_view units) {
  std::string text;
  for (std::string_view unit : words(units)) {
    // 0.5 in a recipe of other frameworks is a half.
    const bool fraction = amount > 0.0 && amount < 1.0;
    if (fraction && unit != "%") continue;
    if (!text.empty()) text += " or ";
    text += '"' + value_text(fraction ? amount * 100.0 : amount) + ' ' + std::string(unit) + '"';
  }
  return text;
}

std::string unit_examples(std::string_view units) {
  std::string text;
  for (std::string_view unit : words(units)) {
    if (!text.empty()) text += " or ";
    text += unit == "%" ? "\"5 %\"" : "\"500 " + std::string(unit) + '"';
  }
  return text;
}

std::string bare_number(double amount, std::string_view units) {
  std::string spelt = spellings(amount, units);
  if (spelt.empty()) spelt = unit_examples(units);
  return "found " + value_text(amount) + ", a number without a unit; write " + spelt;
}

}  // namespace

std::string found_text(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kSequence:
      return "a list of " + std::to_string(node.items.size());
    case YamlNode::Kind::kMap:
      return "keys and values";
    case YamlNode::Kind::kScalar:
      break;
  }
  return number(node.text) ? node.text : quoted(node.text);
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::string& value) {
  if (node.kind != YamlNode::Kind::kScalar || node.text.empty())
    return refused(node, allowed_text(spec, &value));
  value = node.text;
  return {};
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, bool& value) {
  const bool is_true = node.text == "true";
  if (node.kind != YamlNode::Kind::kScalar || (!is_true && node.text != "false")) {
    return refused(node, allowed_text(spec, &value));
  }
  value = is_true;
  return {};
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::int64_t& value) {
  if (node.kind != YamlNode::Kind::kScalar) return refused(node, allowed_text(spec, &value));
  const Measured measured = split_unit(node.text);
  const std::optional<double> amount = number(measured.number);
  if (!amount) return refused(node, allowed_text(spec, &value));
  if (measured.unit.empty() && spec.unit_required) return bare_number(*amount, spec.units);
  const bool known_unit =
      measured.unit.empty() || (!spec.units.empty() && is_unit(measured.unit, spec.units));
  const bool whole = *amount == std::floor(*amount) && std::fabs(*amount) <= kLargestExact;
  if (!known_unit || !whole || !in_range(*amount, spec)) return refused(node, allowed_text(spec, &value));
  value = static_cast<std::int64_t>(*amount);
  return {};
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::uint64_t& value) {
  std::uint64_t parsed = 0;
  const char* begin = node.text.data();
  const char* const last = begin + node.text.size();
  const auto [end, error] = std::from_chars(begin, last, parsed);
  if (node.kind != YamlNode::Kind::kScalar || node.text.empty() || error != std::errc() || end != last) {
    return refused(node, allowed_text(spec, &value));
  }
  value = parsed;
  return {};
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, double& value) {
  const std::optional<double> parsed =
      node.kind == YamlNode::Kind::kScalar ? number(node.text) : std::nullopt;
  if (!parsed || !in_range(*parsed, spec)) return refused(node, allowed_text(spec, &value));
  value = *parsed;
  return {};
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::array<double, 2>& value) {
  if (node.kind != YamlNode::Kind::kSequence || node.items.size() != 2)
    return refused(node, allowed_text(spec, &value));
  std::array<double, 2> parsed{};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string problem = parse_value(node.items[i], spec, parsed[i]);
    if (!problem.empty()) return "value " + std::to_string(i + 1) + ": " + problem;
  }
  value = parsed;
  return {};
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::vector<std::string>& value) {
  if (node.kind != YamlNode::Kind::kSequence) return refused(node, allowed_text(spec, &value));
  std::vector<std::string> parsed(node.items.size());
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    const std::string problem = parse_value(node.items[i], spec, parsed[i]);
    if (!problem.empty()) return "value " + std::to_string(i + 1) + ": " + problem;
  }
  value = std::move(parsed);
  return {};
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, data::Quantity& value) {
  if (node.kind != YamlNode::Kind::kScalar) return refused(node, allowed_text(spec, &value));
  const Measured measured = split_unit(node.text);
  const std::optional<double> amount = number(measured.number);
  if (!amount) return refused(node, allowed_text(spec, &value));
  if (measured.unit.empty()) return bare_number(*amount, spec.units);
  constexpr auto units = choice_names(data::Unit{});
  for (std::string_view unit : words(spec.units)) {
    if (!is_unit(measured.unit, unit)) continue;
    std::size_t index = 0;
    while (units[index] != unit) ++index;
    const auto kind = static_cast<data::Unit>(index);
    const bool counts = kind == data::Unit::kRows || kind == data::Unit::kSteps;
    const bool whole = *amount == std::floor(*amount) && *amount <= kLargestExact;
    const bool share = kind != data::Unit::kPercent || *amount <= 100.0;
    if ((counts && !whole) || !share || !in_range(*amount, spec)) break;
    value = {.amount = *amount, .unit = kind};
    return {};
  }
  return refused(node, allowed_text(spec, &value));
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, models::Recompute& value) {
  const std::string problem = refused(node, allowed_text(spec, &value));
  if (node.kind != YamlNode::Kind::kScalar) return problem;
  const std::vector<std::string_view> parts = words(node.text);
  if (node.text == "none" || node.text == "all") {
    value.every = node.text == "all" ? 1 : 0;
    return {};
  }
  if (parts.size() != 3 || parts[0] != "every" || !is_unit(parts[2], "layers")) return problem;
  const std::optional<double> every = number(parts[1]);
  if (!every || *every != std::floor(*every) || *every < 1 || *every > 10000) return problem;
  value.every = static_cast<std::int64_t>(*every);
  return {};
}

std::string parse_choice(const YamlNode& node, std::span<const std::string_view> names, std::size_t& index) {
  // What torch calls the types that we name as the rest of the field does.
  std::string_view text = node.text;
  if (text == "bfloat16") text = "bf16";
  if (text == "float32") text = "fp32";
  if (node.kind == YamlNode::Kind::kScalar) {
    for (index = 0; index < names.size(); ++index) {
      if (names[index] == text) return {};
    }
  }
  std::string problem = refused(node, allowed_choices(names));
  if (const auto near = nearest_name(node.text, names))
    problem += "; did you mean " + std::string(*near) + "?";
  return problem;
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec,
                        std::map<std::string, std::string>& value) {
  return parse_map(node, spec, value);
}

std::string parse_value(const YamlNode& node, const FieldSpec& spec, std::map<std::string, double>& value) {
  return parse_map(node, spec, value);
}

// Text is always quoted, so that no word of it is taken for YAML.
std::string value_text(const std::string& value) {
  std::string text = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      text += c;
      continue;
    }
    constexpr std::string_view kHex = "0123456789ABCDEF";
    text += "\\x";
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text + '"';
}

std::string value_text(bool value) {
  return value ? "true" : "false";
}

std::string value_text(std::int64_t value, const FieldSpec& spec) {
  std::string text = std::to_string(value);
  if (spec.unit_required) text += ' ' + std::string(spec.units);
  return text;
}

std::string value_text(std::uint64_t value) {
  return std::to_string(value);
}

// The shortest text that reads back as the same double.
std::string value_text(double value) {
  std::array<char, 32> digits{};
  // 100000 rather than 1e+05: both read back the same.
  const bool plain = value == std::floor(value) && std::fabs(value) < 1e15;
  const std::chars_format format = plain ? std::chars_format::fixed : std::chars_format::general;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value, format);
  return error == std::errc() ? std::string(digits.data(), end) : std::string("0");
}

std::string value_text(const std::array<double, 2>& value) {
  return '[' + value_text(value[0]) + ", " + value_text(value[1]) + ']';
}

// An empty list or map is as good as none.
std::string value_text(const std::vector<std::string>& value) {
  std::string text;
  for (const std::string& one : value) text += (text.empty() ? "[" : ", ") + value_text(one);
  return text.empty() ? text : text + ']';
}

std::string value_text(const data::Quantity& value) {
  constexpr auto units = choice_names(data::Unit{});
  return value_text(value.amount) + ' ' + std::string(units[static_cast<std::size_t>(value.unit)]);
}

std::string value_text(const models::Recompute& value) {
  if (value.every == 0) return "none";
  return value.every == 1 ? "all" : "every " + std::to_string(value.every) + " layers";
}

std::string value_text(const std::map<std::string, std::string>& value) {
  return map_text(value);
}

std::string value_text(const std::map<std::string, double>& value) {
  return map_text(value);
}

std::string allowed_text(const FieldSpec&, const std::map<std::string, std::string>*) {
  return "texts by name, as in {a: x, b: y}";
}

std::string allowed_text(const FieldSpec&, const std::map<std::string, double>*) {
  return "numbers by name, as in {a: 0.5, b: 1}";
}

std::string allowed_text(const FieldSpec& spec, const std::string*) {
  if (spec.path_or_name) return "auto, a name, a path";
  return spec.path || spec.output_path ? "a path" : "a text";
}

std::string allowed_text(const FieldSpec&, const bool*) {
  return "true, false";
}

std::string allowed_text(const FieldSpec& spec, const std::int64_t*) {
  if (spec.min == spec.max) return value_text(spec.min);
  std::string text = "a whole number";
  if (!spec.units.empty()) text += " of " + std::string(spec.units);
  text += range_text(spec);
  if (spec.unit_required) text += ", with its unit: " + unit_examples(spec.units);
  return text;
}

std::string allowed_text(const FieldSpec&, const std::uint64_t*) {
  return "a whole number from 0 to 18446744073709551615";
}

std::string allowed_text(const FieldSpec& spec, const double*) {
  return "a number" + range_text(spec);
}

std::string allowed_text(const FieldSpec& spec, const std::array<double, 2>*) {
  return "a list of two numbers" + range_text(spec);
}

std::string allowed_text(const FieldSpec&, const std::vector<std::string>*) {
  return "a list of texts, as in [a, b]";
}

std::string allowed_text(const FieldSpec& spec, const data::Quantity*) {
  std::string text = "a number" + range_text(spec) + " with its unit: " + unit_examples(spec.units);
  if (spec.units.find('%') != std::string_view::npos) text += "; at most 100 %";
  return text;
}

std::string allowed_text(const FieldSpec&, const models::Recompute*) {
  return "none, all, \"every 2 layers\"";
}

std::string allowed_choices(std::span<const std::string_view> names) {
  std::string text;
  for (std::string_view name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

}  // namespace caravan::recipes
