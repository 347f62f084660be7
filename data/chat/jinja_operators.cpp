#include "data/chat/jinja_operators.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_text.h"
#include "data/chat/text_search.h"

namespace caravan::data::jinja {

namespace {

class Deeper {
 public:
  explicit Deeper(Interpreter& run) : run_(run) { run_.enter(); }
  ~Deeper() { run_.leave(); }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Interpreter& run_;
};

std::int64_t to_integer(const Value& number) {
  return number.is(Kind::kBool) ? (number.boolean ? 1 : 0) : number.integer;
}

[[noreturn]] void fail_operands(const char* op, const Value& a, const Value& b) {
  throw Fault(std::string("unsupported operand types for ") + op + ": '" + type_name(a) + "' and '" +
              type_name(b) + "'");
}

bool equal_numbers(const Value& a, const Value& b) {
  if (a.is(Kind::kFloat) || b.is(Kind::kFloat)) return to_double(a) == to_double(b);
  return to_integer(a) == to_integer(b);
}

bool equal_lists(Interpreter& run, const List& a, const List& b) {
  if (a.size != b.size) return false;
  Deeper deeper(run);
  for (std::uint32_t i = 0; i < a.size; ++i) {
    if (!equal(run, a.items[i], b.items[i])) return false;
  }
  return true;
}

bool equal_dicts(Interpreter& run, Dict& a, Dict& b) {
  if (&a == &b) return true;
  if (a.size != b.size) return false;
  Deeper deeper(run);
  for (const DictEntry& entry : a.span()) {
    Value* other = find(run, b, entry.key);
    if (other == nullptr || !equal(run, entry.value, *other)) return false;
  }
  return true;
}

bool less_lists(Interpreter& run, const List& a, const List& b) {
  Deeper deeper(run);
  for (std::uint32_t i = 0; i < a.size && i < b.size; ++i) {
    if (!equal(run, a.items[i], b.items[i])) return less(run, a.items[i], b.items[i]);
  }
  return a.size < b.size;
}

Value repeat(Interpreter& run, const Value& sequence, std::int64_t times) {
  std::uint64_t count = times < 0 ? 0 : static_cast<std::uint64_t>(times);
  std::uint64_t size = sequence.is_string() ? sequence.size : sequence.list->size;
  if (size > 0 && count > (1ull << 32) / size) throw Fault("a repetition of more than 4 GiB");
  run.charge(size * count * (sequence.is_string() ? 1 : 16));
  if (sequence.is_string()) {
    TextBuilder builder;
    for (std::uint64_t i = 0; i < count && size > 0; ++i) builder.append(sequence);
    Value repeated = builder.finish(run.arena());
    repeated.safe = sequence.safe;
    return repeated;
  }
  List* list = new_list(run.arena(), size * count);
  for (std::uint64_t i = 0; i < count && size > 0; ++i) {
    for (const Value& item : sequence.list->span()) append(run.arena(), *list, item);
  }
  return make_list(list, sequence.kind);
}

Value add_lists(Interpreter& run, const Value& a, const Value& b) {
  run.charge((a.list->size + b.list->size) * 16ull);
  List* list = new_list(run.arena(), std::size_t{a.list->size} + b.list->size);
  for (const Value& item : a.list->span()) append(run.arena(), *list, item);
  for (const Value& item : b.list->span()) append(run.arena(), *list, item);
  return make_list(list, a.kind);
}

Value divide(const Value& a, const Value& b, BinaryOperator op, Origin origin) {
  if (to_double(b) == 0) throw Fault("division by zero");
  if (op == BinaryOperator::kDivide) return make_float(to_double(a) / to_double(b), origin);
  if (a.is(Kind::kFloat) || b.is(Kind::kFloat)) {
    double quotient = std::floor(to_double(a) / to_double(b));
    if (op == BinaryOperator::kFloorDivide) return make_float(quotient, origin);
    double rest = std::fmod(to_double(a), to_double(b));
    if (rest != 0 && (rest < 0) != (to_double(b) < 0)) rest += to_double(b);
    return make_float(rest, origin);
  }
  std::int64_t x = to_integer(a);
  std::int64_t y = to_integer(b);
  if (y == -1) {  // the one quotient that can overflow
    if (op == BinaryOperator::kModulo) return make_int(0, origin);
    if (x == INT64_MIN) throw Fault("integer result beyond 64 bits");
    return make_int(-x, origin);
  }
  std::int64_t quotient = x / y;
  std::int64_t rest = x % y;
  if (rest != 0 && (rest < 0) != (y < 0)) {  // Python rounds down, C towards zero
    --quotient;
    rest += y;
  }
  return make_int(op == BinaryOperator::kFloorDivide ? quotient : rest, origin);
}

Value power(const Value& a, const Value& b, Origin origin) {
  if (a.is(Kind::kFloat) || b.is(Kind::kFloat) || to_integer(b) < 0) {
    if (to_double(a) == 0 && to_double(b) < 0) throw Fault("zero cannot be raised to a negative power");
    return make_float(std::pow(to_double(a), to_double(b)), origin);
  }
  std::int64_t base = to_integer(a);
  std::int64_t result = 1;
  bool small_base = base >= -1 && base <= 1;
  std::int64_t exponent = small_base ? to_integer(b) % 2 + (to_integer(b) > 0 ? 2 : 0) : to_integer(b);
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(result, base, &result)) throw Fault("integer result beyond 64 bits");
  }
  return make_int(result, origin);
}

}  // namespace

double to_double(const Value& number) {
  return number.is(Kind::kFloat) ? number.real : static_cast<double>(to_integer(number));
}

void fail_undefined(const Value& value) {
  const Absence* absence = value.absence;
  if (absence == nullptr) throw Fault("the value is undefined");
  std::string name(absence->name);
  if (absence->owner.empty()) {
    throw Fault("'" + name + "' is undefined",
                "give the variable '" + name + "', or a default: " + name + " | default(...)");
  }
  throw Fault("'" + std::string(absence->owner) + "' has no attribute '" + name + "'");
}

bool is_true(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return value.boolean;
    case Kind::kInt:
      return value.integer != 0;
    case Kind::kFloat:
      return value.real != 0;
    case Kind::kString:
      return value.size != 0;
    case Kind::kList:
    case Kind::kTuple:
      return value.list->size != 0;
    case Kind::kDict:
      return value.dict->size != 0;
    case Kind::kRange:
      return range_length(*value.range) != 0;
    default:
      return true;
  }
}

bool equal(Interpreter& run, const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) {
    if (a.size != b.size) return false;
    run.charge(a.size);
    return a.view() == b.view();
  }
  run.charge(0);
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kList:
    case Kind::kTuple:
      return equal_lists(run, *a.list, *b.list);
    case Kind::kDict:
      return equal_dicts(run, *a.dict, *b.dict);
    case Kind::kRange: {
      return a.range->start == b.range->start && a.range->stop == b.range->stop &&
             a.range->step == b.range->step;
    }
    case Kind::kGlobal:
      return a.global == b.global;
    default:
      return a.integer == b.integer;  // identity of what is behind the pointer
  }
}

bool less(Interpreter& run, const Value& a, const Value& b) {
  run.charge(0);
  if (a.is(Kind::kUndefined)) fail_undefined(a);
  if (b.is(Kind::kUndefined)) fail_undefined(b);
  if (a.is_number() && b.is_number()) {
    if (a.is(Kind::kFloat) || b.is(Kind::kFloat)) return to_double(a) < to_double(b);
    return to_integer(a) < to_integer(b);
  }
  if (a.is_string() && b.is_string()) {
    run.charge(std::min(a.size, b.size));
    return a.view() < b.view();  // UTF-8 sorts by code point
  }
  if (a.is_sequence() && a.kind == b.kind) return less_lists(run, *a.list, *b.list);
  throw Fault(std::string("'") + type_name(a) + "' and '" + type_name(b) + "' have no order");
}

bool compare(Interpreter& run, Comparison comparison, const Value& a, const Value& b) {
  switch (comparison) {
    case Comparison::kEqual:
      return equal(run, a, b);
    case Comparison::kNotEqual:
      return !equal(run, a, b);
    case Comparison::kLess:
      return less(run, a, b);
    case Comparison::kGreater:
      return less(run, b, a);
    case Comparison::kLessEqual:
      return less(run, a, b) || equal(run, a, b);
    case Comparison::kGreaterEqual:
      return less(run, b, a) || equal(run, a, b);
    case Comparison::kIn:
      return contains(run, b, a);
    case Comparison::kNotIn:
      return !contains(run, b, a);
  }
  return false;
}

bool contains(Interpreter& run, const Value& container, const Value& item) {
  if (container.is_string()) {
    if (!item.is_string()) throw Fault(std::string("'in' on a text needs a text, got ") + type_name(item));
    run.charge(std::size_t{container.size} + item.size);
    return find_first(container.view(), item.view()) != std::string_view::npos;
  }
  if (container.is(Kind::kDict)) return find(run, *container.dict, item) != nullptr;
  if (container.is(Kind::kRange) && item.is_number() && !item.is(Kind::kFloat)) {
    std::int64_t length = range_length(*container.range);
    std::int64_t offset = 0;
    if (__builtin_sub_overflow(to_integer(item), container.range->start, &offset)) return false;
    return offset % container.range->step == 0 && offset / container.range->step >= 0 &&
           offset / container.range->step < length;
  }
  for (const Value& candidate : items_of(run, container)->span()) {
    if (equal(run, candidate, item)) return true;
  }
  return false;
}

Value* find(Interpreter& run, Dict& dict, const Value& key) {
  run.charge(0);
  if (key.is_string()) return find(run.arena(), dict, key.view());
  if (key.is(Kind::kList) || key.is(Kind::kDict))
    throw Fault(std::string("unhashable type: '") + type_name(key) + "'");
  for (DictEntry& entry : dict.span()) {
    if (!entry.key.is_string() && equal(run, entry.key, key)) return &entry.value;
  }
  run.charge(dict.size);
  return nullptr;
}

Value add(Interpreter& run, const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) {
    run.charge(std::size_t{a.size} + b.size);
    bool safe = a.safe || b.safe;
    if (safe) run.charge(std::size_t{a.size} * a.num_runs() + std::size_t{b.size} * b.num_runs());
    const Value parts[] = {safe ? escape_html(run.arena(), a) : a, safe ? escape_html(run.arena(), b) : b};
    Value sum = concatenate(run.arena(), parts);
    sum.safe = safe;
    return sum;
  }
  if (a.is_number() && b.is_number()) {
    Origin origin = combine(a.origin, b.origin);
    if (a.is(Kind::kFloat) || b.is(Kind::kFloat)) return make_float(to_double(a) + to_double(b), origin);
    std::int64_t sum = 0;
    if (__builtin_add_overflow(to_integer(a), to_integer(b), &sum))
      throw Fault("integer result beyond 64 bits");
    return make_int(sum, origin);
  }
  if (a.is_sequence() && a.kind == b.kind) return add_lists(run, a, b);
  if (a.is(Kind::kUndefined)) fail_undefined(a);
  if (b.is(Kind::kUndefined)) fail_undefined(b);
  if (a.is_string() || b.is_string()) {
    throw Fault(std::string("cannot join '") + type_name(a) + "' and '" + type_name(b) + "' with +",
                "a text joins only texts: use ~, or | string");
  }
  fail_operands("+", a, b);
}

Value arithmetic(Interpreter& run, BinaryOperator op, const Value& a, const Value& b) {
  if (a.is(Kind::kUndefined)) fail_undefined(a);
  if (b.is(Kind::kUndefined)) fail_undefined(b);
  if (op == BinaryOperator::kMultiply) {
    bool a_repeats = (a.is_string() || a.is_sequence()) && (b.is(Kind::kInt) || b.is(Kind::kBool));
    bool b_repeats = (b.is_string() || b.is_sequence()) && (a.is(Kind::kInt) || a.is(Kind::kBool));
    if (a_repeats) return repeat(run, a, to_integer(b));
    if (b_repeats) return repeat(run, b, to_integer(a));
  }
  constexpr const char* kNames[] = {"-", "*", "/", "//", "%", "**"};
  if (!a.is_number() || !b.is_number()) fail_operands(kNames[static_cast<int>(op)], a, b);
  Origin origin = combine(a.origin, b.origin);
  if (op == BinaryOperator::kPower) return power(a, b, origin);
  if (op != BinaryOperator::kSubtract && op != BinaryOperator::kMultiply) return divide(a, b, op, origin);
  bool subtract = op == BinaryOperator::kSubtract;
  if (a.is(Kind::kFloat) || b.is(Kind::kFloat)) {
    return make_float(subtract ? to_double(a) - to_double(b) : to_double(a) * to_double(b), origin);
  }
  std::int64_t result = 0;
  bool overflow = subtract ? __builtin_sub_overflow(to_integer(a), to_integer(b), &result)
                           : __builtin_mul_overflow(to_integer(a), to_integer(b), &result);
  if (overflow) throw Fault("integer result beyond 64 bits");
  return make_int(result, origin);
}

Value negate(const Value& value, bool negative) {
  if (value.is(Kind::kUndefined)) fail_undefined(value);
  if (!value.is_number()) throw Fault(std::string("a sign before a '") + type_name(value) + "'");
  if (value.is(Kind::kFloat)) return make_float(negative ? -value.real : value.real, value.origin);
  std::int64_t integer = to_integer(value);
  if (negative && integer == INT64_MIN) throw Fault("integer result beyond 64 bits");
  return make_int(negative ? -integer : integer, value.origin);
}

}  // namespace caravan::data::jinja
