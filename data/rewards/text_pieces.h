// Cutting text as the reference's rules do: whitespace, lines and case are those of Unicode.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// Views into `text`, which must outlive them.
std::string_view trim(std::string_view text);
std::string_view trim_chars(std::string_view text, std::string_view ascii_chars);
std::vector<std::string_view> split_words(std::string_view text);                        // at whitespace
std::vector<std::string_view> split_at(std::string_view text, std::string_view marker);  // marker: not empty
std::vector<std::string_view> split_lines(std::string_view text);  // at any of Unicode's line ends

bool contains(std::string_view text, std::string_view part);
std::size_t count_of(std::string_view text, std::string_view part);  // without overlap; part: not empty
std::string replace_all(std::string_view text, std::string_view what, std::string_view by);
std::string lower(std::string_view text);
// \w+ runs.
std::vector<std::string_view> word_runs(std::string_view text);

// For a reason: at most 60 characters, control characters made visible.
std::string shown(std::string_view text);

}  // namespace caravan::data
