#include "data/chat/jinja_tests.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_filters.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"
#include "data/chat/jinja_unicode.h"
#include "data/chat/nearest_name.h"

namespace caravan::data::jinja {

namespace {

using Entry = std::pair<std::string_view, TestFunction>;

template <Kind... kinds>
bool is_kind(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return (input.is(kinds) || ...);
}

bool is_defined(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return !input.is(Kind::kUndefined);
}

bool is_sequence(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return input.is_string() || input.is_sequence() || input.is(Kind::kDict) || input.is(Kind::kRange) ||
         input.is(Kind::kUndefined);
}

bool is_iterable(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return can_iterate(input);
}

template <bool wanted>
bool is_boolean(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return input.is(Kind::kBool) && input.boolean == wanted;
}

template <int remainder>
bool has_parity(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return equal(run, arithmetic(run, BinaryOperator::kModulo, input, make_int(2)), make_int(remainder));
}

bool is_divisible(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"num"});
  return equal(run, arithmetic(run, BinaryOperator::kModulo, input, bound.value(0, "num")), make_int(0));
}

template <Comparison comparison>
bool compares(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"other"});
  return compare(run, comparison, input, bound.value(0, "other"));
}

// Identity: for what templates hold, equality of kind and value.
bool is_same(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"other"});
  const Value& other = bound.value(0, "other");
  return input.kind == other.kind && equal(run, input, other);
}

template <bool upper>
bool has_case(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  Value text = to_text(run, input);
  run.charge(text.size);
  bool any = false;
  for (std::size_t at = 0; at < text.view().size();) {
    char32_t c = next_char(text.view(), at);
    if (upper ? is_lower(c) : is_upper(c)) return false;
    any = any || is_upper(c) || is_lower(c);
  }
  return any;
}

template <bool filters>
bool is_known(Interpreter&, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  if (!input.is_string()) return false;
  try {
    if (filters) {
      find_filter(input.view());
    } else {
      find_test(input.view());
    }
  } catch (const Fault&) {
    return false;
  }
  return true;
}

constexpr std::array<Entry, 38> kTests = {{
    {"defined", is_defined},
    {"undefined", is_kind<Kind::kUndefined>},
    {"none", is_kind<Kind::kNone>},
    {"string", is_kind<Kind::kString>},
    {"number", is_kind<Kind::kInt, Kind::kFloat, Kind::kBool>},
    {"integer", is_kind<Kind::kInt>},
    {"float", is_kind<Kind::kFloat>},
    {"boolean", is_kind<Kind::kBool>},
    {"mapping", is_kind<Kind::kDict>},
    {"sequence", is_sequence},
    {"iterable", is_iterable},
    {"callable", is_kind<Kind::kMacro, Kind::kGlobal, Kind::kJoiner, Kind::kLoop>},
    {"true", is_boolean<true>},
    {"false", is_boolean<false>},
    {"odd", has_parity<1>},
    {"even", has_parity<0>},
    {"divisibleby", is_divisible},
    {"eq", compares<Comparison::kEqual>},
    {"equalto", compares<Comparison::kEqual>},
    {"==", compares<Comparison::kEqual>},
    {"ne", compares<Comparison::kNotEqual>},
    {"!=", compares<Comparison::kNotEqual>},
    {"lt", compares<Comparison::kLess>},
    {"lessthan", compares<Comparison::kLess>},
    {"<", compares<Comparison::kLess>},
    {"le", compares<Comparison::kLessEqual>},
    {"<=", compares<Comparison::kLessEqual>},
    {"gt", compares<Comparison::kGreater>},
    {"greaterthan", compares<Comparison::kGreater>},
    {">", compares<Comparison::kGreater>},
    {"ge", compares<Comparison::kGreaterEqual>},
    {">=", compares<Comparison::kGreaterEqual>},
    {"in", compares<Comparison::kIn>},
    {"sameas", is_same},
    {"upper", has_case<true>},
    {"lower", has_case<false>},
    {"filter", is_known<true>},
    {"test", is_known<false>},
}};

std::string advice(std::string_view name) {
  std::vector<std::string> known;
  for (const Entry& entry : kTests) known.emplace_back(entry.first);
  std::sort(known.begin(), known.end());
  return nearest_name_advice(name, known);
}

TestFunction look_up(std::string_view name) {
  for (const auto& [known, function] : kTests) {
    if (known == name) return function;
  }
  return nullptr;
}

}  // namespace

TestFunction find_test(const std::string& name, std::uint32_t position) {
  TestFunction found = look_up(name);
  if (found == nullptr) throw PlacedFault(position, "no test is named '" + name + "'", advice(name));
  return found;
}

TestFunction find_test(std::string_view name) {
  TestFunction found = look_up(name);
  if (found == nullptr) throw Fault("no test is named '" + std::string(name) + "'", advice(name));
  return found;
}

}  // namespace caravan::data::jinja
