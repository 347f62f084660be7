// The value of a quoted text in a template: Python's escapes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace caravan::data::jinja {

// `body`: what stands between the quotes; `position`: of the opening quote, for PlacedFault.
std::string unescape(std::string_view body, std::size_t position);

}  // namespace caravan::data::jinja
