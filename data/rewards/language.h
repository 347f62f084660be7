// Which language a text is in, from its script and its most frequent small words.
#pragma once

#include <string>
#include <string_view>

namespace caravan::data {

bool has_letters(std::string_view text);

// The two letters of ISO 639-1 (zh-cn for Chinese); empty where nothing tells: no letters, or no known word
// of a script that several languages share. Meant for answers of a sentence or more.
std::string detect_language(std::string_view text);

}  // namespace caravan::data
