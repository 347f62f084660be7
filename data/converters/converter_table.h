// All row layouts that can be converted. To add one: its functions in the file of its family, a line here,
// its reference rows in the test.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "data/converters/converter.h"

namespace caravan::data {

std::span<const Converter> converters();
// Throws data::Error (usage) with the names that exist.
const Converter& converter_named(std::string_view name);
// A layout that many sets have: the name of the file tells more of where a row comes from.
bool is_shared_by_many(const Converter& converter);
// For people: name and keys, a line each.
std::string list_converters();

}  // namespace caravan::data
