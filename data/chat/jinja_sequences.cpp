// Walking, measuring and cutting sequences: the second half of jinja_operators.h.
#include <algorithm>
#include <string>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_text.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

List* characters_of(Interpreter& run, const Value& string) {
  run.charge(string.size * (16ull + string.num_runs()));
  std::string_view text = string.view();
  List* list = new_list(run.arena(), 0);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t begin = at;
    next_char(text, at);
    append(run.arena(), *list, substring(run.arena(), string, begin, at));
  }
  return list;
}

List* numbers_of(Interpreter& run, const Range& range) {
  std::int64_t length = range_length(range);
  run.charge(static_cast<std::size_t>(length) * 16);
  List* list = new_list(run.arena(), static_cast<std::size_t>(length));
  for (std::int64_t i = 0; i < length; ++i)
    append(run.arena(), *list, make_int(range.start + i * range.step));
  return list;
}

// Python's slice.indices: start, stop and step made to fit `length`.
struct Indices {
  std::int64_t start, stop, step;
  std::int64_t count() const {
    if (step > 0) return start < stop ? (stop - start - 1) / step + 1 : 0;
    return stop < start ? (start - stop - 1) / -step + 1 : 0;
  }
};

std::int64_t slice_bound(const Value& value, std::int64_t fallback, std::int64_t length, std::int64_t step) {
  if (value.is(Kind::kNone)) return fallback;
  if (!value.is(Kind::kInt) && !value.is(Kind::kBool)) {
    if (value.is(Kind::kUndefined)) fail_undefined(value);
    throw Fault(std::string("a slice needs integers, got ") + type_name(value));
  }
  std::int64_t bound = value.is(Kind::kInt) ? value.integer : (value.boolean ? 1 : 0);
  if (bound < -length) return step > 0 ? 0 : -1;
  if (bound < 0) bound += length;
  return std::min(bound, step > 0 ? length : length - 1);
}

Indices slice_indices(const Value& start, const Value& stop, const Value& step, std::int64_t length) {
  if (!step.is(Kind::kNone) && !step.is(Kind::kInt))
    throw Fault(std::string("a slice needs integers, got ") + type_name(step));
  std::int64_t by = step.is(Kind::kNone) ? 1 : step.integer;
  if (by == 0) throw Fault("a slice's step cannot be 0");
  by = std::clamp<std::int64_t>(by, -(INT64_MAX / 4), INT64_MAX / 4);
  Indices indices{};
  indices.step = by;
  indices.start = slice_bound(start, by > 0 ? 0 : length - 1, length, by);
  indices.stop = slice_bound(stop, by > 0 ? length : -1, length, by);
  return indices;
}

Value slice_string(Interpreter& run, const Value& string, const Value& start, const Value& stop,
                   const Value& step) {
  run.charge(string.size);
  std::string_view text = string.view();
  bool ascii = is_ascii(text);
  auto length = static_cast<std::int64_t>(ascii ? text.size() : count_chars(text));
  Indices indices = slice_indices(start, stop, step, length);
  auto byte = [&](std::int64_t index) {
    return ascii ? static_cast<std::size_t>(index) : byte_of_char(text, static_cast<std::size_t>(index));
  };
  if (indices.step == 1) {
    if (indices.count() == 0) return make_string({}, string.mixed ? kTemplateOrigin : string.origin);
    return substring(run.arena(), string, byte(indices.start), byte(indices.stop));
  }
  List* characters = characters_of(run, string);
  TextBuilder builder;
  for (std::int64_t i = 0; i < indices.count(); ++i)
    builder.append(characters->items[indices.start + i * indices.step]);
  return builder.finish(run.arena());
}

Value character_at(Interpreter& run, const Value& string, std::int64_t index) {
  run.charge(string.size);
  std::string_view text = string.view();
  auto length = static_cast<std::int64_t>(is_ascii(text) ? text.size() : count_chars(text));
  if (index < 0) index += length;
  if (index < 0 || index >= length) return make_undefined(run.arena(), "character", "str object");
  std::size_t begin = byte_of_char(text, static_cast<std::size_t>(index));
  std::size_t end = begin;
  next_char(text, end);
  return substring(run.arena(), string, begin, end);
}

Value absent(Interpreter& run, const Value& object, const Value& key) {
  std::string owner = std::string(type_name(object)) + " object";
  std::string name = key.is_string()      ? std::string(key.view())
                     : key.is(Kind::kInt) ? "[" + std::to_string(key.integer) + "]"
                                          : type_name(key);
  return make_undefined(run.arena(), run.arena().copy(name), run.arena().copy(owner));
}

}  // namespace

// The global range() admits no bounds that could overflow here.
std::int64_t range_length(const Range& range) {
  if (range.step > 0) return range.start < range.stop ? (range.stop - range.start - 1) / range.step + 1 : 0;
  return range.stop < range.start ? (range.start - range.stop - 1) / -range.step + 1 : 0;
}

bool can_iterate(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kGenerator:
    case Kind::kRange:
    case Kind::kDict:
    case Kind::kLoop:
      return true;
    default:
      return false;
  }
}

List* items_of(Interpreter& run, const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return new_list(run.arena(), 0);
    case Kind::kString:
      return characters_of(run, value);
    case Kind::kList:
    case Kind::kTuple:
      return value.list;
    case Kind::kRange:
      return numbers_of(run, *value.range);
    case Kind::kGenerator: {
      run.refuse_in_trial();
      List* rest = run.arena().make<List>();
      rest->items = value.list->items + value.list->consumed;
      rest->size = rest->capacity = value.list->size - value.list->consumed;
      value.list->consumed = value.list->size;
      return rest;
    }
    case Kind::kDict: {
      run.charge(value.dict->size * 16ull);
      List* keys = new_list(run.arena(), value.dict->size);
      for (const DictEntry& entry : value.dict->span()) append(run.arena(), *keys, entry.key);
      return keys;
    }
    default:
      throw Fault(std::string("'") + type_name(value) + "' object is not iterable");
  }
}

std::int64_t length_of(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return static_cast<std::int64_t>(is_ascii(value.view()) ? value.size : count_chars(value.view()));
    case Kind::kList:
    case Kind::kTuple:
      return value.list->size;
    case Kind::kDict:
      return value.dict->size;
    case Kind::kRange:
      return range_length(*value.range);
    case Kind::kLoop:
      return value.loop->size;
    default:
      throw Fault(std::string("object of type '") + type_name(value) + "' has no length",
                  value.is(Kind::kGenerator) ? "make it a list first: | list" : "");
  }
}

Value subscript(Interpreter& run, const Value& object, const Value& key) {
  switch (object.kind) {
    case Kind::kUndefined:
      fail_undefined(object);
    case Kind::kDict:
    case Kind::kNamespace: {
      Value* found = find(run, *object.dict, key);
      return found != nullptr ? *found : absent(run, object, key);
    }
    case Kind::kString:
      if (key.is(Kind::kInt)) return character_at(run, object, key.integer);
      break;
    case Kind::kList:
    case Kind::kTuple:
      if (key.is(Kind::kInt)) {
        std::int64_t index = key.integer < 0 ? key.integer + object.list->size : key.integer;
        if (index >= 0 && index < object.list->size) return object.list->items[index];
      }
      break;
    case Kind::kRange:
      if (key.is(Kind::kInt)) {
        std::int64_t length = range_length(*object.range);
        std::int64_t index = key.integer < 0 ? key.integer + length : key.integer;
        if (index >= 0 && index < length) return make_int(object.range->start + index * object.range->step);
      }
      break;
    case Kind::kGenerator:
      throw Fault("'generator' object is not subscriptable", "make it a list first: | list");
    default:
      break;
  }
  return absent(run, object, key);
}

Value slice(Interpreter& run, const Value& object, const Value& start, const Value& stop, const Value& step) {
  if (object.is_string()) return slice_string(run, object, start, stop, step);
  if (object.is(Kind::kUndefined)) fail_undefined(object);
  if (object.is(Kind::kGenerator))
    throw Fault("'generator' object is not subscriptable", "make it a list first: | list");
  if (!object.is_sequence() && !object.is(Kind::kRange)) {
    throw Fault(std::string("'") + type_name(object) + "' object cannot be sliced");
  }
  List* items = items_of(run, object);
  Indices indices = slice_indices(start, stop, step, items->size);
  std::int64_t count = indices.count();
  run.charge(static_cast<std::size_t>(count));
  Kind kind = object.is(Kind::kTuple) ? Kind::kTuple : Kind::kList;
  if (indices.step == 1) {  // a view: lists never change
    List* view = run.arena().make<List>();
    view->items = items->items + (count > 0 ? indices.start : 0);
    view->size = view->capacity = static_cast<std::uint32_t>(count);
    return make_list(view, kind, object.origin);
  }
  List* list = new_list(run.arena(), static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    append(run.arena(), *list, items->items[indices.start + i * indices.step]);
  return make_list(list, kind, object.origin);
}

}  // namespace caravan::data::jinja
