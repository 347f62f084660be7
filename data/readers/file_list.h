// From what a recipe names to the files that are read: always the same files in the same order.
#pragma once

#include <string>
#include <vector>

namespace caravan::data {

// What the ending of a name promises; .gz and .zst behind it are ignored, the compression is seen from the
// bytes.
enum class RowFileKind { kJsonLines, kJson, kCsv, kTsv, kParquet };

// jsonl and ndjson: a row a line. json: the elements of one array, or a row a line where it does not start
// with a bracket. csv, tsv: a header, then a row a record. Throws data::Error for any other ending.
RowFileKind row_file_kind(const std::string& path);

// The file of that name, or what a glob (*, ?, [a-z]) matches, sorted by bytes. A name that exists is taken
// literally. Throws data::Error: no such file, a glob without a match, a folder or a pipe, an ending that
// row_file_kind refuses.
std::vector<std::string> list_files(const std::string& path_or_glob);

}  // namespace caravan::data
