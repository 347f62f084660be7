// What a row is to a draw: 64 bits of its content, whatever its id and the name of its source.
#pragma once

#include <cstdint>
#include <string>

#include "data/readers/json_row.h"

namespace caravan::data {

// Of all members but `id` and `source`, in file order; spaces and escapes make no difference. `memory` is
// working memory, one per thread.
std::uint64_t content_key(const JsonValue& row, std::string& memory);

}  // namespace caravan::data
