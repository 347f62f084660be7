// The key of an endpoint, found in texts that came from there.
//
// A server may quote the key inside JSON inside JSON: "sk-a/b" comes as sk-a\/b, sk-a\u002fb or sk-a\\\/b.
// All of these are the key.
#pragma once

#include <string>
#include <string_view>

namespace caravan::data {

// An empty key stands nowhere.
bool holds_key(std::string_view text, std::string_view key);
// The text with [key] wherever the key stood.
std::string blackened(std::string_view text, std::string_view key);

}  // namespace caravan::data
