#include "data/chat/jinja_value.h"

#include <algorithm>
#include <functional>

#include "data/chat/jinja_fault.h"

namespace caravan::data::jinja {

namespace {

constexpr std::uint32_t kLinearSearchLimit = 12;

Value of_kind(Kind kind) {
  Value value;
  value.kind = kind;
  return value;
}

std::uint32_t slot_of(std::string_view key, std::uint32_t table_size) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(key)) & (table_size - 1);
}

// Open addressing over entry numbers + 1; 0 is free. Keys that are no strings stay out and are never found by
// text.
void build_table(Arena& arena, Dict& dict) {
  std::uint32_t size = 32;
  while (size < dict.capacity * 2) size *= 2;
  dict.table = arena.allocate_array<std::uint32_t>(size);
  dict.table_size = size;
  for (std::uint32_t i = 0; i < dict.size; ++i) {
    if (!dict.entries[i].key.is_string()) continue;
    std::uint32_t slot = slot_of(dict.entries[i].key.view(), size);
    while (dict.table[slot] != 0) slot = (slot + 1) & (size - 1);
    dict.table[slot] = i + 1;
  }
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
  dict.table = nullptr;
}

Value* find(Arena& arena, Dict& dict, std::string_view key) {
  if (dict.size <= kLinearSearchLimit) {
    for (DictEntry& entry : dict.span()) {
      if (entry.key.is_string() && entry.key.view() == key) return &entry.value;
    }
    return nullptr;
  }
  if (dict.table == nullptr) build_table(arena, dict);
  std::uint32_t slot = slot_of(key, dict.table_size);
  while (dict.table[slot] != 0) {
    DictEntry& entry = dict.entries[dict.table[slot] - 1];
    if (entry.key.view() == key) return &entry.value;
    slot = (slot + 1) & (dict.table_size - 1);
  }
  return nullptr;
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
