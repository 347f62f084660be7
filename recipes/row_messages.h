// Rows of the other layouts of training data, for the commands that read rows with "messages" from stdin.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/message.h"
#include "data/source_options.h"

namespace caravan::recipes {

// --format: absent or auto looks at the keys of each row.
data::RowFormat row_format_from_name(const std::optional<std::string>& name);

// Turns `row`, which stood on stdin as `line`, into one with "messages" (and "tools") where it is of the
// layout `format`, or, under auto, where it has none of the `own` keys of the command and the keys of exactly
// one layout. Other rows stay as they are, and false is returned. Throws data::Error with the reason where a
// row is not of its layout: those of data/README.md.
bool turn_into_messages(std::string_view line, data::RowFormat format, std::span<const std::string_view> own,
                        data::Json& row);

inline const std::vector<std::string_view> kRowFormatNames{"auto", "messages", "sharegpt", "alpaca",
                                                           "prompt_completion"};
// The lines of a usage text that explain --format.
extern const char* const kRowFormatUsage;

}  // namespace caravan::recipes
