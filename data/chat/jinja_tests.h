// The tests a template may use after "is", by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/chat/jinja_syntax.h"

namespace caravan::data::jinja {

// Throws PlacedFault with the nearest name.
TestFunction find_test(const std::string& name, std::uint32_t position);
// For select('string'), selectattr('role', '==', 'user'): throws Fault.
TestFunction find_test(std::string_view name);

}  // namespace caravan::data::jinja
