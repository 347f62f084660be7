// "Did you mean ...?" for a name that a user wrote and nobody knows.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace caravan::data {

// The known name with the fewest edits to `name`, if at most a third of it differs; else empty.
std::string nearest_name(std::string_view name, std::span<const std::string> known);

// "did you mean 'x'? known are a, b, c" or, without a near one, only the list.
std::string nearest_name_advice(std::string_view name, std::span<const std::string> known);

}  // namespace caravan::data
