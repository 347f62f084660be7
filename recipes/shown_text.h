// Text of an error, safe to print: what files and people wrote is quoted in it and could move the cursor,
// recolour the terminal or fill the screen.
#pragma once

#include <string>
#include <string_view>

namespace caravan::recipes {

// Control characters but newline and tab, and bytes that are no UTF-8, become '?'. A text of more than
// `max_bytes` loses its middle, and says so.
std::string shown_text(std::string_view text, std::size_t max_bytes = 16384);

}  // namespace caravan::recipes
