// Characters as Python counts and classifies them, over UTF-8 text. Malformed bytes count as one character
// each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace caravan::data::jinja {

// The character that starts at `text[at]`; `at` moves behind it. U+FFFD for a malformed byte.
char32_t next_char(std::string_view text, std::size_t& at);
void append_char(std::string& text, char32_t character);

bool is_ascii(std::string_view text);
std::size_t count_chars(std::string_view text);
// Byte offset of character `index`; text.size() where the text is shorter.
std::size_t byte_of_char(std::string_view text, std::size_t index);

bool is_space(char32_t character);
bool is_alpha(char32_t character);
bool is_digit(char32_t character);
bool is_upper(char32_t character);
bool is_lower(char32_t character);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
// First letter of each word upper, others lower, by str.title()'s rule: a word begins after anything that has
// no case.
std::string to_title(std::string_view text);
// First character upper, the rest lower.
std::string to_capitalized(std::string_view text);

}  // namespace caravan::data::jinja
