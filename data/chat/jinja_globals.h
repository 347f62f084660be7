// The functions every template may call, and the objects that loops and cyclers are.
#pragma once

#include <cstdint>
#include <string_view>

#include "data/chat/jinja_arguments.h"
#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

class Interpreter;

enum class Global : std::uint8_t {
  kRange,
  kDict,
  kNamespace,
  kRaiseException,
  kStrftimeNow,
  kCycler,
  kJoiner
};

bool find_global(std::string_view name, Global& global);
Value make_global(Global global);
// Throws Fault; raise_exception throws Refusal.
Value call_global(Interpreter& run, Global global, const Arguments& arguments);

Value loop_attribute(Interpreter& run, Loop& loop, std::string_view name);
// loop, cycler: objects with methods of their own.
bool is_iteration_object(const Value& value);
Value call_iteration_method(Interpreter& run, const Value& object, std::string_view name,
                            const Arguments& arguments);
Value call_joiner(Interpreter& run, Cycle& joiner);

}  // namespace caravan::data::jinja
