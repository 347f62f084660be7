// Filters on single values: defaults, numbers, JSON.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_filters.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

Value default_filter(Interpreter&, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"default_value", "boolean"});
  bool use_default = input.is(Kind::kUndefined) || (bound.flag_or(1, false) && !is_true(input));
  return use_default ? bound.value_or(0, make_string("")) : input;
}

Value length(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return make_int(length_of(input));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && is_space(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// The number that all of `text` spells, underscores between digits allowed.
bool read_float(std::string_view text, double& number) {
  std::string plain(trimmed(text));
  if (!plain.empty() && plain[0] == '+') plain.erase(0, 1);
  if (plain.empty() || plain.front() == '_' || plain.back() == '_' || plain.size() > 400) return false;
  std::erase(plain, '_');
  auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), number);
  return (error == std::errc()) && end == plain.data() + plain.size();
}

bool read_integer(std::string_view text, int base, std::int64_t& number) {
  std::string plain(trimmed(text));
  bool negative = !plain.empty() && plain[0] == '-';
  if (!plain.empty() && (plain[0] == '-' || plain[0] == '+')) plain.erase(0, 1);
  if (plain.size() > 2 && plain[0] == '0') {
    int prefix = (plain[1] | 0x20) == 'x'   ? 16
                 : (plain[1] | 0x20) == 'o' ? 8
                 : (plain[1] | 0x20) == 'b' ? 2
                                            : 0;
    if (prefix == base) plain.erase(0, 2);
  }
  if (plain.empty() || plain.front() == '_' || plain.back() == '_' || plain.front() == '-') return false;
  std::erase(plain, '_');
  auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), number, base);
  if (error == std::errc::result_out_of_range) throw Fault("the integer " + plain + " is beyond 64 bits");
  if (error != std::errc() || end != plain.data() + plain.size()) return false;
  if (negative) number = -number;
  return true;
}

bool float_to_integer(double real, std::int64_t& number) {
  if (std::isnan(real) || std::abs(real) >= 9.2e18) return false;
  number = static_cast<std::int64_t>(real);
  return true;
}

Value to_int(Interpreter&, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"default", "base"});
  Value fallback = bound.value_or(0, make_int(0));
  std::int64_t base = bound.integer_or(1, 10);
  if (base < 2 || base > 36) throw Fault("int needs a base from 2 to 36");
  std::int64_t number = 0;
  double real = 0;
  if (input.is(Kind::kInt)) return input;
  if (input.is(Kind::kBool)) return make_int(input.boolean ? 1 : 0, input.origin);
  if (input.is(Kind::kFloat))
    return float_to_integer(input.real, number) ? make_int(number, input.origin) : fallback;
  if (!input.is_string()) return fallback;
  if (read_integer(input.view(), static_cast<int>(base), number)) return make_int(number, input.origin);
  bool is_float = base == 10 && read_float(input.view(), real) && float_to_integer(real, number);
  return is_float ? make_int(number, input.origin) : fallback;
}

Value to_float(Interpreter&, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"default"});
  double real = 0;
  if (input.is_number()) return make_float(to_double(input), input.origin);
  if (input.is_string() && read_float(input.view(), real)) return make_float(real, input.origin);
  return bound.value_or(0, make_float(0));
}

Value absolute(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  if (!input.is_number()) throw Fault(std::string("abs needs a number, got ") + type_name(input));
  return to_double(input) < 0 ? negate(input, true) : negate(input, false);
}

// Python's round(): to even for halves, on the exact decimal value of the double.
double round_to(double value, std::int64_t precision) {
  if (!std::isfinite(value)) return value;
  if (precision <= 0) {
    double scale = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(value / scale) * scale;
  }
  std::array<char, 512> buffer{};
  auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed,
                              static_cast<int>(std::min<std::int64_t>(precision, 100)));
  double rounded = value;
  std::from_chars(buffer.data(), result.ptr, rounded);
  return rounded;
}

Value round_filter(Interpreter&, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"precision", "method"});
  if (!input.is_number()) throw Fault(std::string("round needs a number, got ") + type_name(input));
  std::int64_t precision = bound.integer_or(0, 0);
  std::string_view method = bound.has(1) ? bound.text(1, "method") : "common";
  if (precision < -300 || precision > 300) throw Fault("round needs a precision between -300 and 300");
  double value = to_double(input);
  if (method == "common") {
    // round(int) stays an integer in Python
    if (!input.is(Kind::kFloat) && precision >= 0) return input;
    return make_float(round_to(value, precision), input.origin);
  }
  if (method != "ceil" && method != "floor") throw Fault("round knows the methods common, ceil and floor");
  double scale = std::pow(10.0, static_cast<double>(precision));
  double scaled = method == "ceil" ? std::ceil(value * scale) : std::floor(value * scale);
  return make_float(scaled / scale, input.origin);
}

JsonStyle json_style(const BoundArguments& bound) {
  JsonStyle style;
  style.ensure_ascii = bound.flag_or(0, false);
  if (bound.has_value(1)) {
    style.pretty = true;
    style.item_separator = ",";
    Value indent = bound.value_or(1, make_none());
    if (indent.is_string()) {
      style.indent = indent.view();
    } else {
      std::int64_t width = bound.integer_or(1, 0);
      if (width > 1000) throw Fault("tojson indents by at most 1000");
      style.indent.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    }
  }
  if (bound.has_value(2)) {
    Value separators = bound.value_or(2, make_none());
    bool pair = separators.is_sequence() && separators.list->size == 2 &&
                separators.list->items[0].is_string() && separators.list->items[1].is_string();
    if (!pair) throw Fault("tojson needs two texts as separators");
    style.item_separator = separators.list->items[0].view();
    style.key_separator = separators.list->items[1].view();
  }
  style.sort_keys = bound.flag_or(3, false);
  return style;
}

// As chat templates know it: json.dumps without escapes for HTML, characters beyond ASCII kept.
Value tojson(Interpreter& run, const Value& input, const Arguments& arguments) {
  return to_json(
      run, input,
      json_style(BoundArguments(arguments, {"ensure_ascii", "indent", "separators", "sort_keys"})));
}

constexpr std::array<FilterEntry, 9> kFilters = {{
    {"default", default_filter},
    {"d", default_filter},
    {"length", length},
    {"count", length},
    {"int", to_int},
    {"float", to_float},
    {"abs", absolute},
    {"round", round_filter},
    {"tojson", tojson},
}};

}  // namespace

std::span<const FilterEntry> value_filters() {
  return kFilters;
}

}  // namespace caravan::data::jinja
