// What to say about a key that no field has.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace caravan::recipes {

// `section`: full key of the map it stands in, empty at the top; `known`: the keys allowed there. Says, in
// this order of preference: that it is planned and not built, which key of ours it is elsewhere, the nearest
// allowed name, or every allowed name.
std::string unknown_key_text(std::string_view section, std::string_view key,
                             std::span<const std::string_view> known);

}  // namespace caravan::recipes
