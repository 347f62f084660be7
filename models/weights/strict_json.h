// JSON of files we do not trust: bounded depth, no doubled keys, errors with line and column.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace caravan::models {

// Deeper nesting than any of the files of a checkpoint has.
inline constexpr int kMaxJsonDepth = 64;

// `where` is the file's name for errors. Throws Error (65) with file:line:column.
nlohmann::json parse_strict_json(std::string_view text, const std::string& where);
// A JSON file of at most max_bytes whose root is an object. Throws Error (65, 74).
nlohmann::json read_json_object(const std::string& path, std::size_t max_bytes = 64'000'000);

// "7:12" of byte `position` in `text`, both counted from 1.
std::string line_and_column(std::string_view text, std::size_t position);
// What the JSON library says of a syntax error, without its numbering and safe to print.
std::string syntax_error_text(const std::exception& error);

}  // namespace caravan::models
