// Methods of Python's str and dict that templates may call. Those that would change their object do not exist
// here.
#pragma once

#include <cstdint>
#include <string_view>

#include "data/chat/jinja_arguments.h"
#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

class Interpreter;

enum class Method : std::uint8_t {
  kNone,
  // str
  kStrip,
  kLstrip,
  kRstrip,
  kSplit,
  kRsplit,
  kSplitlines,
  kPartition,
  kRpartition,
  kStartswith,
  kEndswith,
  kRemoveprefix,
  kRemovesuffix,
  kReplace,
  kUpper,
  kLower,
  kTitle,
  kCapitalize,
  kSwapcase,
  kFind,
  kRfind,
  kIndex,
  kCount,
  kJoin,
  kFormat,
  kIsdigit,
  kIsalpha,
  kIsalnum,
  kIsspace,
  kIsupper,
  kIslower,
  kZfill,
  kCenter,
  kLjust,
  kRjust,
  // dict
  kGet,
  kItems,
  kKeys,
  kValues,
  kCopy,
};

Method find_method(std::string_view name);
// Whether values of that kind have the method at all.
bool has_method(const Value& object, Method method);
// Throws Fault.
Value call_method(Interpreter& run, const Value& object, Method method, const Arguments& arguments);

}  // namespace caravan::data::jinja
