// Text of rows in HTML pages: never markup, and nothing in it moves what stands around it.
#pragma once

#include <string>
#include <string_view>

namespace caravan::data {

// Adds `text`, valid UTF-8: markup characters as entities; control characters but line feed and tab, and what
// turns the direction of writing, as U+FFFD.
void append_html(std::string_view text, std::string& out);

// The same of any bytes: what is no UTF-8 becomes U+FFFD too.
std::string html_text(std::string_view text);

}  // namespace caravan::data
