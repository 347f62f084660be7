#include "data/chat/jinja_filters.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/nearest_name.h"

namespace caravan::data::jinja {

namespace {

FilterFunction look_up(std::string_view name) {
  for (auto table : {text_filters(), value_filters(), sequence_filters(), selection_filters()}) {
    for (const auto& [known, function] : table) {
      if (known == name) return function;
    }
  }
  return nullptr;
}

std::string advice(std::string_view name) {
  std::vector<std::string> known;
  for (auto table : {text_filters(), value_filters(), sequence_filters(), selection_filters()}) {
    for (const auto& entry : table) known.emplace_back(entry.first);
  }
  std::sort(known.begin(), known.end());
  return nearest_name_advice(name, known);
}

}  // namespace

FilterFunction find_filter(const std::string& name, std::uint32_t position) {
  FilterFunction found = look_up(name);
  if (found == nullptr) throw PlacedFault(position, "no filter is named '" + name + "'", advice(name));
  return found;
}

FilterFunction find_filter(std::string_view name) {
  FilterFunction found = look_up(name);
  if (found == nullptr) throw Fault("no filter is named '" + std::string(name) + "'", advice(name));
  return found;
}

Value attribute_path(Interpreter& run, const Value& object, const Value& path) {
  if (!path.is_string()) return subscript(run, object, path);
  std::string_view rest = path.view();
  Value value = object;
  while (true) {
    std::size_t dot = rest.find('.');
    std::string_view part = rest.substr(0, dot);
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    bool is_number = error == std::errc() && end == part.data() + part.size();
    if (value.is(Kind::kUndefined)) fail_undefined(value);
    value = subscript(run, value, is_number ? make_int(number) : make_string(part));
    if (dot == std::string_view::npos) return value;
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace caravan::data::jinja
