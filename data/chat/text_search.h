// Searches in time linear in text and pattern, whatever they hold. The library's own compare anew at every
// place, which a text of one repeated letter makes quadratic.
#pragma once

#include <cstddef>
#include <string_view>

namespace caravan::data {

// Where `wanted` first begins at or after `from`, last begins; npos without one. As in std::string_view.
std::size_t find_first(std::string_view text, std::string_view wanted, std::size_t from = 0);
std::size_t find_last(std::string_view text, std::string_view wanted);

}  // namespace caravan::data
