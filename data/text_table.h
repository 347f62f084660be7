// Tables of figures for people, in plain text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caravan::data {

using TableLine = std::vector<std::string>;

// First column to the left, the others to the right; every line ends in a line feed. All lines have as many
// columns as the first. Widths are in characters of UTF-8.
std::string print_table(const std::vector<TableLine>& lines);

// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);

}  // namespace caravan::data
