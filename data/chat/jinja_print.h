// Values as text: str(), repr() and JSON, as Python writes them.
#pragma once

#include <string>
#include <string_view>

#include "data/chat/jinja_text.h"
#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

class Interpreter;

// str(value); text keeps its origins. Undefined prints nothing.
void print(Interpreter& run, TextBuilder& out, const Value& value);
// print() into a string value; a string is returned as it is.
Value to_text(Interpreter& run, const Value& value);
// Shortest text that reads back as the same double, in Python's form: 1.0, 1e+16, inf.
std::string float_text(double value);

struct JsonStyle {
  std::string indent;  // of one level
  bool pretty = false;
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

// json.dumps; quotes and brackets take the origin of what they enclose. Throws Fault for what JSON cannot
// say.
Value to_json(Interpreter& run, const Value& value, const JsonStyle& style);

}  // namespace caravan::data::jinja
