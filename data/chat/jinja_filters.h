// The filters a template may use, by name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "data/chat/jinja_syntax.h"

namespace caravan::data::jinja {

using FilterEntry = std::pair<std::string_view, FilterFunction>;

// Throws PlacedFault with the nearest name.
FilterFunction find_filter(const std::string& name, std::uint32_t position);
// For map('upper'): throws Fault.
FilterFunction find_filter(std::string_view name);

std::span<const FilterEntry> text_filters();
std::span<const FilterEntry> value_filters();
std::span<const FilterEntry> sequence_filters();
std::span<const FilterEntry> selection_filters();

// "a.b.0" below `object`, as attribute= names it. Integers are positions.
Value attribute_path(Interpreter& run, const Value& object, const Value& path);

}  // namespace caravan::data::jinja
