// Python's operators on values: truth, equality, order, arithmetic, membership, subscripts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "data/chat/jinja_syntax.h"
#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

class Interpreter;

bool is_true(const Value& value);
// Throws Fault where Python raises (unorderable types, bad operands, division by zero, overflow of 64 bits).
bool equal(Interpreter& run, const Value& a, const Value& b);
bool less(Interpreter& run, const Value& a, const Value& b);
bool compare(Interpreter& run, Comparison comparison, const Value& a, const Value& b);
bool contains(Interpreter& run, const Value& container, const Value& item);
Value add(Interpreter& run, const Value& a, const Value& b);
Value arithmetic(Interpreter& run, BinaryOperator op, const Value& a, const Value& b);
Value negate(const Value& value, bool negative);

// The entry of `dict` for any key, null where absent.
Value* find(Interpreter& run, Dict& dict, const Value& key);

// The items of anything that can be walked: a text's characters, a dict's keys. A generator is used up.
// Undefined is empty, as in jinja2. Throws Fault for what cannot be walked.
List* items_of(Interpreter& run, const Value& value);
bool can_iterate(const Value& value);
// Number of items; throws Fault where Python's len() does.
std::int64_t length_of(const Value& value);
std::int64_t range_length(const Range& range);

// value[key]; undefined where absent.
Value subscript(Interpreter& run, const Value& object, const Value& key);
// value[start:stop:step], none = left out.
Value slice(Interpreter& run, const Value& object, const Value& start, const Value& stop, const Value& step);

[[noreturn]] void fail_undefined(const Value& value);
double to_double(const Value& number);

}  // namespace caravan::data::jinja
