#include "recipes/reader/yaml_text.h"

#include <array>
#include <cstdio>

namespace caravan::recipes {
namespace {

[[noreturn]] void fail(const Where& origin, int line, std::size_t column, std::string text) {
  Where where = origin;
  if (!where.on_command_line) {
    where.line = line;
    where.column = static_cast<int>(column);
  }
  throw RecipeError({{where, std::move(text)}});
}

std::string hex(unsigned char byte) {
  std::array<char, 8> digits{};
  std::snprintf(digits.data(), digits.size(), "0x%02X", byte);
  return digits.data();
}

void check_characters(std::string_view line, int number, const Where& origin) {
  for (std::size_t i = 0; i < line.size();) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const std::size_t length = character_bytes(line, i);
    if (length == 0) {
      fail(origin, number, i + 1,
           "byte " + hex(byte) + " is not UTF-8; a recipe is UTF-8 text: save it as such");
    }
    // The parser takes some of these for the end of the text.
    const bool carriage_return_at_end = byte == '\r' && i + 1 == line.size();
    if ((byte < 0x20 && byte != '\t' && !carriage_return_at_end) || byte == 0x7F) {
      fail(origin, number, i + 1, "control character " + hex(byte) + "; a recipe is plain text: remove it");
    }
    i += length;
  }
}

}  // namespace

std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool beyond = lead == 0xF4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void check_yaml_text(std::string_view text, const Where& origin, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    fail(origin, 0, 0,
         "is " + std::to_string(text.size()) + " bytes; a recipe has at most " + std::to_string(max_bytes) +
             ": is this a data file?");
  }
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    check_characters(line, number, origin);
    const std::size_t tab = line.substr(0, line.find_first_not_of(" \t\r")).find('\t');
    if (tab != std::string_view::npos) {
      fail(origin, number, tab + 1, "a tab indents this line; YAML allows spaces only: replace it");
    }
  }
}

}  // namespace caravan::recipes
