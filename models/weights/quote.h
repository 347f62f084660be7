// Text from files, made safe to print in an error: one line, bounded, no control characters or broken UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace caravan::models {

// The text itself where it is printable ASCII; other bytes as \xNN; cut with "..." after max_bytes.
std::string printable(std::string_view text, std::size_t max_bytes = 200);

}  // namespace caravan::models
