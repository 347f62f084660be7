// Finding \boxed{...} in text, whatever braces it holds.
#pragma once

#include <optional>
#include <string_view>

namespace caravan::data {

// What the braces behind the last `command` hold; nothing where there is no such command, no brace behind it
// (spaces aside), or the brace is not closed. Escaped braces (\{) count as the reference counts them: as
// braces.
std::optional<std::string_view> last_braced(std::string_view text, std::string_view command);

// Index of the brace that closes the one at text[open], or npos.
std::size_t closing_brace(std::string_view text, std::size_t open);

}  // namespace caravan::data
