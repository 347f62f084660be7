// Filters on sequences and dicts: order, parts, sums.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_filters.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_methods.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"
#include "data/chat/jinja_text_edits.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

Value list(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return make_list(items_of(run, input), Kind::kList, input.origin);
}

// jinja2 gives a generator here: to be walked, not to be measured.
Value items(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  if (input.is(Kind::kUndefined)) return make_list(new_list(run.arena(), 0), Kind::kGenerator);
  if (!input.is(Kind::kDict)) throw Fault(std::string("items needs a dict, got ") + type_name(input));
  Value pairs = call_method(run, input, Method::kItems, {});
  return make_list(pairs.list, Kind::kGenerator, input.origin);
}

// From a generator only one item is taken: the rest stays for later readers.
Value first(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  if (input.is(Kind::kGenerator)) {
    run.refuse_in_trial();
    List& source = *input.list;
    return source.consumed < source.size ? source.items[source.consumed++] : make_undefined();
  }
  List* all = items_of(run, input);
  return all->size > 0 ? all->items[0] : make_undefined();
}

Value last(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  if (input.is(Kind::kGenerator))
    throw Fault("'generator' object is not reversible", "make it a list first: | list");
  List* all = items_of(run, input);
  return all->size > 0 ? all->items[all->size - 1] : make_undefined();
}

Value join_filter(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"d", "attribute"});
  Value separator = to_text(run, bound.value_or(0, make_string("")));
  List* all = items_of(run, input);
  if (!bound.has_value(1)) return join(run, separator, *all);
  List* attributes = new_list(run.arena(), all->size);
  for (const Value& item : all->span()) {
    append(run.arena(), *attributes, attribute_path(run, item, bound.value(1, "attribute")));
  }
  return join(run, separator, *attributes);
}

Value reverse(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  if (input.is_string()) return slice(run, input, make_none(), make_none(), make_int(-1));
  List* all = items_of(run, input);
  run.charge(all->size * 16ull);
  List* reversed = new_list(run.arena(), all->size);
  for (std::uint32_t i = all->size; i > 0; --i) append(run.arena(), *reversed, all->items[i - 1]);
  return make_list(reversed, Kind::kGenerator);
}

// What sort, unique, min and max compare: an attribute, texts without regard to case unless told otherwise.
struct Key {
  Interpreter& run;
  bool case_sensitive;
  Value attribute;  // none: the item itself

  Value operator()(const Value& item) const {
    return folded(attribute.is(Kind::kNone) ? item : attribute_path(run, item, attribute));
  }
  Value folded(const Value& value) const {
    return value.is_string() && !case_sensitive ? map_text(run, value, to_lower) : value;
  }
};

// "a,b" sorts by a, then by b.
Value sort_key(const Key& key, const Value& item) {
  List* parts = new_list(key.run.arena(), 1);
  std::string_view rest = key.attribute.is_string() ? key.attribute.view() : std::string_view();
  if (rest.find(',') == std::string_view::npos) {
    append(key.run.arena(), *parts, key(item));
    return make_list(parts);
  }
  while (true) {
    std::size_t comma = rest.find(',');
    append(key.run.arena(), *parts,
           key.folded(attribute_path(key.run, item, make_string(rest.substr(0, comma)))));
    if (comma == std::string_view::npos) return make_list(parts);
    rest.remove_prefix(comma + 1);
  }
}

// Keys are computed once and compared as lists, so that equal ones need no order; the sort is stable.
List* sorted(Interpreter& run, const List& source, const Key& key, bool descending) {
  struct Keyed {
    Value key;
    Value item;
  };
  std::vector<Keyed> keyed;
  for (const Value& item : source.span()) keyed.push_back({sort_key(key, item), item});
  auto before = [&](const Keyed& a, const Keyed& b) {
    return descending ? less(run, b.key, a.key) : less(run, a.key, b.key);
  };
  std::stable_sort(keyed.begin(), keyed.end(), before);
  List* result = new_list(run.arena(), keyed.size());
  for (const Keyed& entry : keyed) append(run.arena(), *result, entry.item);
  return result;
}

Value sort(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"reverse", "case_sensitive", "attribute"});
  Key key{run, bound.flag_or(1, false), bound.value_or(2, make_none())};
  return make_list(sorted(run, *items_of(run, input), key, bound.flag_or(0, false)));
}

Value dictsort(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"case_sensitive", "by", "reverse"});
  std::string_view by = bound.has(1) ? bound.text(1, "by") : "key";
  if (by != "key" && by != "value") throw Fault("dictsort sorts by 'key' or 'value'");
  if (!input.is(Kind::kDict)) throw Fault(std::string("dictsort needs a dict, got ") + type_name(input));
  Value pairs = call_method(run, input, Method::kItems, {});
  Key key{run, bound.flag_or(0, false), make_int(by == "key" ? 0 : 1)};
  return make_list(sorted(run, *pairs.list, key, bound.flag_or(2, false)));
}

Value unique(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"case_sensitive", "attribute"});
  Key key{run, bound.flag_or(0, false), bound.value_or(1, make_none())};
  List* seen = new_list(run.arena(), 0);
  List* result = new_list(run.arena(), 0);
  for (const Value& item : items_of(run, input)->span()) {
    Value candidate = key(item);
    bool is_new = std::none_of(seen->span().begin(), seen->span().end(),
                               [&](const Value& v) { return equal(run, v, candidate); });
    if (!is_new) continue;
    append(run.arena(), *seen, candidate);
    append(run.arena(), *result, item);
  }
  return make_list(result, Kind::kGenerator);
}

Value extreme(Interpreter& run, const Value& input, const Arguments& arguments, bool largest) {
  BoundArguments bound(arguments, {"case_sensitive", "attribute"});
  Key key{run, bound.flag_or(0, false), bound.value_or(1, make_none())};
  List* all = items_of(run, input);
  if (all->size == 0) return make_undefined(run.arena(), "no item", "empty sequence");
  Value best = all->items[0];
  Value best_key = key(best);
  for (const Value& item : all->span().subspan(1)) {
    Value candidate = key(item);
    if (largest ? !less(run, best_key, candidate) : !less(run, candidate, best_key)) continue;
    best = item;
    best_key = candidate;
  }
  return best;
}

Value min(Interpreter& run, const Value& input, const Arguments& arguments) {
  return extreme(run, input, arguments, false);
}
Value max(Interpreter& run, const Value& input, const Arguments& arguments) {
  return extreme(run, input, arguments, true);
}

Value sum(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"attribute", "start"});
  Value total = bound.value_or(1, make_int(0));
  if (total.is_string()) throw Fault("sum does not add texts", "use the filter join");
  for (const Value& item : items_of(run, input)->span()) {
    total =
        add(run, total, bound.has_value(0) ? attribute_path(run, item, bound.value(0, "attribute")) : item);
  }
  return total;
}

Value batch(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"linecount", "fill_with"});
  bound.value(0, "linecount");
  std::int64_t size = bound.integer_or(0, 1);
  if (size < 1 || size > 1'000'000) throw Fault("batch needs a size between 1 and 1000000");
  List* rows = new_list(run.arena(), 0);
  List* row = nullptr;
  for (const Value& item : items_of(run, input)->span()) {
    if (row == nullptr || row->size == size) {
      row = new_list(run.arena(), 0);
      append(run.arena(), *rows, make_list(row));
    }
    append(run.arena(), *row, item);
  }
  if (row != nullptr && bound.has_value(1)) {
    run.charge(static_cast<std::size_t>(size) * 16);
    while (row->size < size) append(run.arena(), *row, bound.value(1, "fill_with"));
  }
  return make_list(rows, Kind::kGenerator);
}

constexpr std::array<FilterEntry, 13> kFilters = {{
    {"list", list},
    {"items", items},
    {"first", first},
    {"last", last},
    {"join", join_filter},
    {"reverse", reverse},
    {"sort", sort},
    {"dictsort", dictsort},
    {"unique", unique},
    {"min", min},
    {"max", max},
    {"sum", sum},
    {"batch", batch},
}};

}  // namespace

std::span<const FilterEntry> sequence_filters() {
  return kFilters;
}

}  // namespace caravan::data::jinja
