// A file cut into rows: the lines of jsonl, or the elements of the one array of a .json file.
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
    std::uint64_t line = 0;  // counts from 1; for arrays, the element
    bool byte_order_mark = false;
    bool too_long = false;
    bool in_array = false;
  };
  std::uint64_t index = 0;  // of the block in the file
  std::string bytes;
  std::vector<Row> rows;
  std::string_view text(const Row& row) const {
    return std::string_view(bytes).substr(row.begin, row.length);
  }
};

// Bytes of a source in one growing window.
class ReadWindow {
 public:
  explicit ReadWindow(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  std::string_view view() const { return std::string_view(bytes_).substr(begin_, end_ - begin_); }
  // Reads more behind what is there; false at the end of the file.
  bool more();
  void drop(std::size_t count) { begin_ += count; }
  std::uint64_t file_bytes_read() const { return source_->file_bytes_read(); }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
};

class RowStream {
 public:
  // Throws data::Error as open_bytes, and where the name says neither jsonl nor json.
  explicit RowStream(const std::string& path, const RowLimits& limits = {});
  // Replaces `block` by the next one; false at the end. Throws data::Error on damaged files.
  bool next(RowBlock& block);
  std::uint64_t file_bytes_read() const { return window_.file_bytes_read(); }

 private:
  bool next_line(RowBlock& block);
  bool next_element(RowBlock& block);
  bool skip_space();
  bool scan_element(std::size_t& length, bool& too_long, char& closer);
  void add(RowBlock& block, std::string_view text, bool too_long);
  void start(const std::string& path);

  RowLimits limits_;
  ReadWindow window_;
  std::uint64_t blocks_ = 0;
  std::uint64_t rows_ = 0;
  bool array_ = false;
  bool array_closed_ = false;
  bool byte_order_mark_ = false;
};

}  // namespace caravan::data
