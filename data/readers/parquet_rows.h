// Parquet files as rows. The reader is a module of its own (libcaravan_parquet.so, beside the program): Arrow
// is large and slow to load, so it is loaded when the first Parquet file is opened and never before.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "data/readers/row_source.h"

namespace caravan::data {

// Rows as objects, fields in the order of the file; nested lists and structs as JSON writes them.
// `options.hash` is fed with the file's bytes before the first row. Throws data::Error: no such module (a
// build without Arrow), no Parquet file, a column of a type that JSON has no form for.
std::unique_ptr<RowSource> open_parquet(const std::string& path, const RowLimits& limits,
                                        const ByteSourceOptions& options);

// What the module offers, and what it is given: the module links nothing of the program.
using AppendJsonString = void (*)(std::string& out, std::string_view text);
using ParquetEntry = RowSource* (*)(const std::string& path, const RowLimits& limits,
                                    AppendJsonString append);
// Counted up whenever an interface that the module shares with the program changes.
inline constexpr const char* kParquetEntry = "caravan_open_parquet_1";

}  // namespace caravan::data
