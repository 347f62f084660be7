// CSV and TSV as rows: the header names the fields, every record becomes an object of texts.
//
// Goals: RFC 4180 with line feeds and separators inside quotes, on any bytes; a record that does not fit
// (number of fields, text after a closing quote, a quote that never closes) is a row with a problem and the
// line where it begins; one of more than 65,536 cells is too long. A cell is text: nothing is taken for a
// number or for "missing". A quote inside an unquoted cell stands for itself. A file without a header may be
// read too: its fields are then named "1", "2", ... as many as the first record has. Non-goals: other quotes
// than ", comment lines.
#pragma once

#include <string>
#include <vector>

#include "data/readers/row_source.h"
#include "data/readers/row_stream.h"

namespace caravan::data {

class CsvRows : public RowSource {
 public:
  // Throws data::Error: as open_bytes, no header, a name twice in it, bytes of it that are no UTF-8.
  CsvRows(const std::string& path, char separator, const RowLimits& limits = {},
          const ByteSourceOptions& options = {}, bool has_header = true);
  bool next(RowBlock& block) override;
  std::uint64_t file_bytes_read() const override { return window_.file_bytes_read(); }

 private:
  struct Record {
    std::vector<std::string> cells;  // the first num_cells count; the rest keep their memory
    std::size_t num_cells = 0;
    std::size_t bytes = 0;
    std::uint64_t line = 0;  // where it begins
    const char* problem = nullptr;
    bool blank = false;  // nothing stands between two line ends
  };
  void read_header(const std::string& path);
  void number_fields();
  void begin_cell();
  bool read_record();
  bool has_bytes();
  char read_plain();
  char read_quoted();
  void keep(const char* bytes, std::size_t count);
  void add_row(RowBlock& block) const;

  RowLimits limits_;
  ReadWindow window_;
  char separator_;
  std::vector<std::string> keys_;  // as JSON keys, colon included
  std::uint64_t line_ = 1;
  std::uint64_t blocks_ = 0;
  Record record_;
  bool pending_ = false;  // record_ was read to count its fields, and is the next row
};

}  // namespace caravan::data
