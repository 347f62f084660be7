#include "data/chat/jinja_value.h"

#include <algorithm>

#include "data/chat/jinja_fault.h"

namespace caravan::data::jinja {

namespace {

constexpr std::uint32_t kLinearSearchLimit = 12;

Value of_kind(Kind kind) {
  Value value;
  value.kind = kind;
  return value;
}

std::string_view key_of(const Dict& dict, std::uint32_t entry) {
  return dict.entries[entry].key.view();
}

void build_index(Arena& arena, Dict& dict) {
  dict.sorted = arena.allocate_array<std::uint32_t>(dict.size);
  dict.num_sorted = 0;
  for (std::uint32_t i = 0; i < dict.size; ++i) {
    if (dict.entries[i].key.is_string()) dict.sorted[dict.num_sorted++] = i;
  }
  std::sort(dict.sorted, dict.sorted + dict.num_sorted,
            [&](std::uint32_t a, std::uint32_t b) { return key_of(dict, a) < key_of(dict, b); });
  dict.num_indexed = dict.size;
}

template <typename T>
void grow(Arena& arena, T*& items, std::uint32_t size, std::uint32_t& capacity) {
  std::uint32_t larger = std::max<std::uint32_t>(8, capacity * 2);
  T* moved = arena.allocate_array<T>(larger);
  std::copy(items, items + size, moved);
  items = moved;
  capacity = larger;
}

}  // namespace

Value make_missing() {
  return of_kind(Kind::kMissing);
}

Value make_undefined() {
  Value value = of_kind(Kind::kUndefined);
  value.absence = nullptr;
  return value;
}

Value make_undefined(Arena& arena, std::string_view name, std::string_view owner) {
  Value value = of_kind(Kind::kUndefined);
  value.absence = arena.make<Absence>(name, owner);
  return value;
}

Value make_none() {
  return of_kind(Kind::kNone);
}

Value make_bool(bool boolean) {
  Value value = of_kind(Kind::kBool);
  value.boolean = boolean;
  return value;
}

Value make_int(std::int64_t integer, Origin origin) {
  Value value = of_kind(Kind::kInt);
  value.integer = integer;
  value.origin = origin;
  return value;
}

Value make_float(double real, Origin origin) {
  Value value = of_kind(Kind::kFloat);
  value.real = real;
  value.origin = origin;
  return value;
}

Value make_string(std::string_view text, Origin origin) {
  if (text.size() > UINT32_MAX) throw Fault("a text of more than 4 GiB");
  Value value = of_kind(Kind::kString);
  value.chars = text.data();
  value.size = static_cast<std::uint32_t>(text.size());
  value.origin = origin;
  return value;
}

Value make_copied_string(Arena& arena, std::string_view text, Origin origin) {
  return make_string(arena.copy(text), origin);
}

Value make_list(List* list, Kind kind, Origin origin) {
  Value value = of_kind(kind);
  value.list = list;
  value.origin = origin;
  return value;
}

Value make_dict(Dict* dict, Kind kind, Origin origin) {
  Value value = of_kind(kind);
  value.dict = dict;
  value.origin = origin;
  return value;
}

List* new_list(Arena& arena, std::size_t capacity) {
  List* list = arena.make<List>();
  list->items = arena.allocate_array<Value>(capacity);
  list->capacity = static_cast<std::uint32_t>(capacity);
  return list;
}

void append(Arena& arena, List& list, const Value& value) {
  if (list.size == list.capacity) {
    Value copy = value;
    grow(arena, list.items, list.size, list.capacity);
    list.items[list.size++] = copy;
    return;
  }
  list.items[list.size++] = value;
}

Value make_items(Arena& arena, std::initializer_list<Value> values, Kind kind) {
  List* list = new_list(arena, values.size());
  for (const Value& value : values) append(arena, *list, value);
  return make_list(list, kind);
}

Dict* new_dict(Arena& arena, std::size_t capacity) {
  Dict* dict = arena.make<Dict>();
  dict->entries = arena.allocate_array<DictEntry>(capacity);
  dict->capacity = static_cast<std::uint32_t>(capacity);
  return dict;
}

void append(Arena& arena, Dict& dict, const Value& key, const Value& value) {
  if (dict.size == dict.capacity) grow(arena, dict.entries, dict.size, dict.capacity);
  dict.entries[dict.size++] = {key, value};
}

Value* find(Arena& arena, Dict& dict, std::string_view key) {
  if (dict.size - dict.num_indexed > kLinearSearchLimit + dict.num_indexed / 8) build_index(arena, dict);
  for (DictEntry& entry : dict.span().subspan(dict.num_indexed)) {
    if (entry.key.is_string() && entry.key.view() == key) return &entry.value;
  }
  std::uint32_t* end = dict.sorted + dict.num_sorted;
  std::uint32_t* found =
      std::lower_bound(dict.sorted, end, key,
                       [&](std::uint32_t entry, std::string_view k) { return key_of(dict, entry) < k; });
  return found != end && key_of(dict, *found) == key ? &dict.entries[*found].value : nullptr;
}

const char* type_name(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kGenerator:
      return "generator";
    case Kind::kRange:
      return "range";
    case Kind::kDict:
      return "dict";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kMacro:
      return "Macro";
    case Kind::kGlobal:
      return "function";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
  }
  return "object";
}

}  // namespace caravan::data::jinja
