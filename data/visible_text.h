// Text of data on one line of a terminal, with what cannot be seen written out.
#pragma once

#include <string>
#include <string_view>

namespace caravan::data {

// At most `width` characters; "..." at the end tells that it goes on. A line feed is shown as \n, a tab as
// \t, other control characters, characters that nobody sees and marks of direction as \u{200B}, and bytes
// that are no UTF-8 as \x{FF}.
std::string visible_text(std::string_view text, std::size_t width);

}  // namespace caravan::data
