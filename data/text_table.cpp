#include "data/text_table.h"

#include <algorithm>

namespace caravan::data {
namespace {

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string print_table(const std::vector<TableLine>& lines) {
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (const TableLine& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string text;
  for (const TableLine& line : lines) {
    text += line[0] + std::string(widths[0] - width_of(line[0]), ' ');
    for (std::size_t i = 1; i < line.size(); ++i)
      text += "  " + std::string(widths[i] - width_of(line[i]), ' ') + line[i];
    text += '\n';
  }
  return text;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

}  // namespace caravan::data
