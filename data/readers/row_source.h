// A file cut into rows, whatever its format: each row is the text of one JSON object.
//
// Goals: constant memory (a row over the limit is skipped, not kept, and still reported); blocks whose
// borders depend on the file's content alone, so that what is made of a block can be cached by its number.
// Non-goals: understanding rows (row.h does).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/readers/byte_source.h"

namespace caravan::data {

struct RowLimits {
  std::size_t row_bytes = 64u << 20;   // longer rows are dropped as line_too_long
  std::size_t block_bytes = 2u << 20;  // a block closes with the row that reaches this
};

// Rows that follow one another in a file, with the memory that holds them.
struct RowBlock {
  struct Row {
    std::size_t begin = 0;
    std::size_t length = 0;
    std::uint64_t line = 0;  // counts from 1; for arrays and Parquet, the element
    bool byte_order_mark = false;
    bool too_long = false;
    bool in_array = false;
    const char* problem =
        nullptr;  // why the format's reader could not make JSON of the row; then without bytes
  };
  std::uint64_t index = 0;  // of the block in the file
  std::string bytes;
  std::vector<Row> rows;
  std::string_view text(const Row& row) const {
    return std::string_view(bytes).substr(row.begin, row.length);
  }
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  // Replaces `block` by the next one; false at the end. Throws data::Error on damaged files.
  virtual bool next(RowBlock& block) = 0;
  // Bytes of the file consumed so far, for progress.
  virtual std::uint64_t file_bytes_read() const = 0;
};

// The reader for what the ending of the name promises (row_file_kind); a pipe holds jsonl or json. Throws
// data::Error as that and the reader do.
std::unique_ptr<RowSource> open_rows(const std::string& path, const RowLimits& limits = {},
                                     const ByteSourceOptions& options = {});

}  // namespace caravan::data
