// Counts of marks in text, each by one walk over it: what the published checkers find with regular
// expressions.
#pragma once

#include <cstddef>
#include <string_view>

namespace caravan::data {

std::size_t count_brackets(std::string_view text);            // \[.*?\] within a line
std::size_t count_bullets(std::string_view text, char mark);  // ^\s*-.*$, or ^\s*\*[^*].*$ for a star
std::size_t count_highlights(std::string_view text);          // *...* and **...** that hold something
std::size_t count_star_pairs(std::string_view text);          // \*(.*?)\* within a line, empty ones too
bool is_one_case(std::string_view text, bool upper);          // some letter with case, and none of the other

}  // namespace caravan::data
