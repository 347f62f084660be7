// format: auto, resolved file by file from its first rows.
#pragma once

#include <string>

#include "data/source_options.h"

namespace caravan::data {

// Looks at the first 100 rows (1 MiB at most) of the file. Throws data::Error where the rows fit no layout,
// more than one, or are preference data; the message lists the candidates or the keys that were found.
RowFormat detect_format(const std::string& path);

// "messages", "sharegpt", ...
std::string format_name(RowFormat format);

}  // namespace caravan::data
