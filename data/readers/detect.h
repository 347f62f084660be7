// format: auto, resolved file by file from its first rows.
#pragma once

#include <string>

#include "data/source_options.h"

namespace caravan::data {

// Looks at the first 100 rows (1 MiB at most) of the file for layouts of the wanted kind. Throws data::Error
// where the rows fit no layout, more than one, or are of another kind; the message lists the candidates or
// the keys that were found.
RowFormat detect_format(const std::string& path, RowKind kind = RowKind::kExample);

// "messages", "sharegpt", ...
std::string format_name(RowFormat format);

}  // namespace caravan::data
