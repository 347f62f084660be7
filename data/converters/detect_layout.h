// Which layout the rows of a file have, from its first rows.
#pragma once

#include <string>

#include "data/converters/converter.h"

namespace caravan::data {

// Looks at the first 100 rows (1 MiB at most). A layout that refines another is meant where both fit. Throws
// data::Error where none fits (with the keys found) or several do (with their names).
const Converter& detect_layout(const std::string& path);

}  // namespace caravan::data
