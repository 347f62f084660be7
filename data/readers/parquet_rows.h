// Parquet files as rows. The reader is a module of its own (libcaravan_parquet.so, beside the program): Arrow
// is large and slow to load, so it is loaded when the first Parquet file is opened and never before.
#pragma once

#include <memory>
#include <string>

#include "data/readers/row_source.h"

namespace caravan::data {

// Rows as objects, fields in the order of the file; nested lists and structs as JSON writes them.
// `options.hash` is fed with the file's bytes before the first row. Throws data::Error: no such module (a
// build without Arrow), no Parquet file, a column of a type that JSON has no form for.
std::unique_ptr<RowSource> open_parquet(const std::string& path, const RowLimits& limits,
                                        const ByteSourceOptions& options);

// What the module offers under the name kParquetEntry.
using ParquetEntry = RowSource* (*)(const std::string& path, const RowLimits& limits);
inline constexpr const char* kParquetEntry = "caravan_open_parquet_2";

}  // namespace caravan::data
