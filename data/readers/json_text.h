// JSON as text, appended to a line: what rows are written with.
#pragma once

#include <string>
#include <string_view>

namespace caravan::data {

// `text` with its quotes. UTF-8 is written as it stands; only what JSON demands is escaped. Bytes that are no
// UTF-8 are the caller's to refuse.
void append_json_string(std::string& out, std::string_view text);
// "name":
void append_json_key(std::string& out, std::string_view name);

}  // namespace caravan::data
