// "Did you mean ...": the known name nearest to a misspelt one.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace caravan::recipes {

// The only name that begins with three or more letters given; else the name with the smallest edit distance
// (insert, delete, replace, swap of neighbours; case and - _ do not count), the first of equals; none where
// more than about a third of the letters differ. Names over 64 bytes are nobody's typo: none.
std::optional<std::string_view> nearest_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace caravan::recipes
