// Cutting, replacing and joining of texts, bytes keeping their origins: what methods and filters share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/chat/jinja_arguments.h"
#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

class Interpreter;

// str.split and str.rsplit, str.splitlines, str.partition and str.rpartition.
Value split(Interpreter& run, const Value& string, const Arguments& arguments, bool from_right);
Value splitlines(Interpreter& run, const Value& string, const Arguments& arguments);
Value partition(Interpreter& run, const Value& string, const Arguments& arguments, bool from_right);

// No characters given: white space.
Value strip(Interpreter& run, const Value& string, std::string_view characters, bool left, bool right);
// `most` negative: all.
Value replace(Interpreter& run, const Value& string, const Value& from, const Value& to, std::int64_t most);
// Items that are no texts are printed.
Value join(Interpreter& run, const Value& separator, const List& items);
// `by_run` false: the function looks at more than one character, so text of several origins becomes text of
// one.
Value map_text(Interpreter& run, const Value& string, std::string (*function)(std::string_view),
               bool by_run = true);

}  // namespace caravan::data::jinja
