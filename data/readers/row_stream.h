// A text file of JSON cut into rows: the lines of jsonl, or the elements of the one array of a .json file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "data/readers/byte_source.h"
#include "data/readers/row_source.h"

namespace caravan::data {

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

class RowStream : public RowSource {
 public:
  // Throws data::Error as open_bytes, and where the name says neither jsonl nor json. A pipe may be either.
  explicit RowStream(const std::string& path, const RowLimits& limits = {},
                     const ByteSourceOptions& options = {});
  bool next(RowBlock& block) override;
  std::uint64_t file_bytes_read() const override { return window_.file_bytes_read(); }
  bool is_array() const { return array_; }

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

// Whether the rows are the elements of one array, and so are counted by element and not by line. Throws as
// RowStream does.
bool holds_array(const std::string& path);

// What SourceLine::line counts in a file: "line" ("element" of an array, "row" of Parquet); of csv, the line
// where the record begins. A pipe has lines.
std::string row_word(const std::string& path);

}  // namespace caravan::data
