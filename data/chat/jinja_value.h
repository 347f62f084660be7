// Values of a running template: Python's, as far as templates see them. Small, copied freely, owning nothing:
// whatever is behind a pointer lives in the render's arena, in the compiled template or in the caller's JSON.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "data/chat/jinja_arena.h"
#include "data/chat/jinja_origin.h"

namespace caravan::data::jinja {

struct Value;
struct List;
struct Dict;
struct Loop;
struct Closure;
struct Cycle;
enum class Global : std::uint8_t;

enum class Kind : std::uint8_t {
  kMissing,  // a slot nobody wrote yet; never seen by templates
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kTuple,
  kGenerator,  // what map, select, items, ... give: can be walked once, has no length
  kRange,
  kDict,
  kNamespace,
  kLoop,
  kMacro,
  kGlobal,  // a function of the environment: range, namespace, ...
  kCycler,
  kJoiner,
};

// Text whose bytes come from several places.
struct MixedText {
  const char* chars;
  const Run* runs;
  std::uint32_t num_runs;
};

// What an undefined value says when it is used: "'functions' is undefined".
struct Absence {
  std::string_view name;
  std::string_view owner;  // "dict object" for a missing attribute, empty for a variable
};

struct Range {
  std::int64_t start;
  std::int64_t stop;
  std::int64_t step;
};

struct Value {
  Kind kind = Kind::kUndefined;
  bool mixed = false;  // a string behind `text` rather than `chars`
  bool safe = false;   // a string that went through | safe: adding to it escapes what is added
  Global global{};
  Origin origin = kTemplateOrigin;
  std::uint32_t size = 0;  // bytes of a string
  union {
    std::int64_t integer = 0;
    bool boolean;
    double real;
    const char* chars;
    const MixedText* text;
    const Absence* absence;
    List* list;
    Dict* dict;
    const Range* range;
    Loop* loop;
    const Closure* closure;
    Cycle* cycle;
  };

  bool is(Kind k) const { return kind == k; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_sequence() const { return kind == Kind::kList || kind == Kind::kTuple; }
  bool is_number() const { return kind == Kind::kInt || kind == Kind::kFloat || kind == Kind::kBool; }
  std::string_view view() const { return {mixed ? text->chars : chars, size}; }
  // What cutting the string once costs.
  std::uint32_t num_runs() const { return mixed ? text->num_runs : 1; }
};

struct List {
  Value* items = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::uint32_t consumed = 0;  // of a generator
  std::span<const Value> span() const { return {items, size}; }
};

struct DictEntry {
  Value key;
  Value value;
};

inline constexpr std::uint32_t kNoMessage = 0xffffffff;

// Keeps the order of insertion. Large dicts get an index over their first entries, sorted by key: unlike a
// hash table it cannot be made slow by chosen keys. What was added since is searched one by one until it is
// worth a new index.
struct Dict {
  DictEntry* entries = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::uint32_t message = kNoMessage;  // which message of the conversation this is
  std::uint32_t* sorted = nullptr;     // numbers of entries with string keys
  std::uint32_t num_sorted = 0;
  std::uint32_t num_indexed = 0;  // entries that the index covers
  std::span<DictEntry> span() const { return {entries, size}; }
};

// The special variable `loop`.
struct Loop {
  const Value* items;
  std::int64_t size;
  std::int64_t index0;
  Value last_changed;  // arguments of the last loop.changed()
};

struct Cycle {
  const Value* items;
  std::uint32_t size;
  std::uint32_t next;
};

Value make_missing();
Value make_undefined();
Value make_undefined(Arena& arena, std::string_view name, std::string_view owner = {});
Value make_none();
Value make_bool(bool value);
Value make_int(std::int64_t value, Origin origin = kTemplateOrigin);
Value make_float(double value, Origin origin = kTemplateOrigin);
// Refers to `text`, which must outlive the value.
Value make_string(std::string_view text, Origin origin = kTemplateOrigin);
Value make_copied_string(Arena& arena, std::string_view text, Origin origin = kTemplateOrigin);
Value make_list(List* list, Kind kind = Kind::kList, Origin origin = kTemplateOrigin);
Value make_dict(Dict* dict, Kind kind = Kind::kDict, Origin origin = kTemplateOrigin);

List* new_list(Arena& arena, std::size_t capacity);
Value make_items(Arena& arena, std::initializer_list<Value> values, Kind kind);
void append(Arena& arena, List& list, const Value& value);
Dict* new_dict(Arena& arena, std::size_t capacity);
// Adds without looking for an equal key.
void append(Arena& arena, Dict& dict, const Value& key, const Value& value);

// Null where the key is absent.
Value* find(Arena& arena, Dict& dict, std::string_view key);

// What an operation on both yields: untrusted wins.
constexpr Origin combine(Origin a, Origin b) {
  if (a == b || b == kTemplateOrigin) return a;
  return a == kTemplateOrigin ? b : kVariableOrigin;
}

// Python's name of the type, as its error messages spell it.
const char* type_name(const Value& value);

}  // namespace caravan::data::jinja
