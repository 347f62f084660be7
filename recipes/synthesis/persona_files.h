// Personas, and the topics they are made around, as files of rows.
#pragma once

#include <string>

namespace caravan::recipes {

// The file of rows {"id", MEMBER} that stands for the lines of `path` (.txt), or for `text` where there is no
// path; written to `out`. Throws data::Error: as the file, and for one without a line.
void write_line_rows(const std::string& path, std::string_view text, const std::string& member,
                     const std::string& out);

// Whether such a file can be read. Throws data::Error.
void check_line_file(const std::string& path);

}  // namespace caravan::recipes
