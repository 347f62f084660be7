// Filters that apply a filter or a test to each item: map, select and their kin.
#include <array>
#include <string>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_filters.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_tests.h"

namespace caravan::data::jinja {

namespace {

// As in jinja2, what is false (none, an empty list) has no items; only other things that cannot be walked are
// errors.
List* items_or_none(Interpreter& run, const Value& input) {
  return is_true(input) ? items_of(run, input) : new_list(run.arena(), 0);
}

Value map_attribute(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"attribute", "default"});
  List* source = items_or_none(run, input);
  List* mapped = new_list(run.arena(), source->size);
  for (const Value& item : source->span()) {
    Value value = attribute_path(run, item, bound.value(0, "attribute"));
    if (value.is(Kind::kUndefined) && bound.has(1)) value = bound.value(1, "default");
    append(run.arena(), *mapped, value);
  }
  return make_list(mapped, Kind::kGenerator);
}

Value map(Interpreter& run, const Value& input, const Arguments& arguments) {
  if (arguments.positional.empty()) return map_attribute(run, input, arguments);
  if (!arguments.positional[0].is_string()) throw Fault("map needs the name of a filter");
  FilterFunction function = find_filter(arguments.positional[0].view());
  Arguments rest{arguments.positional.subspan(1), arguments.named, arguments.positional[0].view()};
  List* source = items_or_none(run, input);
  List* mapped = new_list(run.arena(), source->size);
  run.enter();
  for (const Value& item : source->span()) append(run.arena(), *mapped, function(run, item, rest));
  run.leave();
  return make_list(mapped, Kind::kGenerator);
}

// select(test...), or with `by_attribute` selectattr(name, test...). Without a test: by truth.
Value select_items(Interpreter& run, const Value& input, const Arguments& arguments, bool by_attribute,
                   bool wanted) {
  std::span<const Value> rest = arguments.positional;
  Value attribute = make_none();
  if (by_attribute) {
    if (rest.empty()) throw Fault(std::string(arguments.callee) + " needs the name of an attribute");
    attribute = rest[0];
    rest = rest.subspan(1);
  }
  TestFunction test = nullptr;
  Arguments test_arguments{{}, arguments.named, arguments.callee};
  if (!rest.empty()) {
    if (!rest[0].is_string()) throw Fault(std::string(arguments.callee) + " needs the name of a test");
    test = find_test(rest[0].view());
    test_arguments.positional = rest.subspan(1);
  }
  List* source = items_or_none(run, input);
  List* selected = new_list(run.arena(), 0);
  for (const Value& item : source->span()) {
    Value value = by_attribute ? attribute_path(run, item, attribute) : item;
    bool holds = test != nullptr ? test(run, value, test_arguments) : is_true(value);
    if (holds == wanted) append(run.arena(), *selected, item);
  }
  return make_list(selected, Kind::kGenerator);
}

Value select(Interpreter& run, const Value& input, const Arguments& arguments) {
  return select_items(run, input, arguments, false, true);
}
Value reject(Interpreter& run, const Value& input, const Arguments& arguments) {
  return select_items(run, input, arguments, false, false);
}
Value selectattr(Interpreter& run, const Value& input, const Arguments& arguments) {
  return select_items(run, input, arguments, true, true);
}
Value rejectattr(Interpreter& run, const Value& input, const Arguments& arguments) {
  return select_items(run, input, arguments, true, false);
}

Value attr(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"name"});
  return subscript(run, input, make_string(bound.text(0, "name")));
}

// Runs of equal attribute values, sorted by that value: pairs (value, items).
Value groupby(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"attribute"});
  const Value& attribute = bound.value(0, "attribute");
  Value reversed = make_bool(false);
  const Value sort_values[] = {reversed, make_bool(true), attribute};
  Value ordered = find_filter("sort")(run, input, {sort_values, {}, "groupby"});
  List* groups = new_list(run.arena(), 0);
  List* members = nullptr;
  Value current;
  for (const Value& item : ordered.list->span()) {
    Value key = attribute_path(run, item, attribute);
    if (members == nullptr || !equal(run, key, current)) {
      members = new_list(run.arena(), 0);
      List* pair = new_list(run.arena(), 2);
      append(run.arena(), *pair, key);
      append(run.arena(), *pair, make_list(members));
      append(run.arena(), *groups, make_list(pair, Kind::kTuple));
      current = key;
    }
    append(run.arena(), *members, item);
  }
  return make_list(groups);
}

constexpr std::array<FilterEntry, 7> kFilters = {{
    {"map", map},
    {"select", select},
    {"reject", reject},
    {"selectattr", selectattr},
    {"rejectattr", rejectattr},
    {"attr", attr},
    {"groupby", groupby},
}};

}  // namespace

std::span<const FilterEntry> selection_filters() {
  return kFilters;
}

}  // namespace caravan::data::jinja
