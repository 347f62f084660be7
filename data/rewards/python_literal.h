// Reads text that holds one value, in JSON or as Python prints it: published data sets carry both.
#pragma once

#include <string_view>

#include "data/message.h"

namespace caravan::data {

// Dicts, lists, tuples, texts in either quote, numbers, None, True, False, null, true, false. Null where the
// text is neither, or nested deeper than 64 levels, or longer than 1 MiB. Never runs anything.
Json read_python_literal(std::string_view text);

}  // namespace caravan::data
