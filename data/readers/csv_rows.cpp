#include "data/readers/csv_rows.h"

#include <simdjson.h>

#include <algorithm>
#include <set>

#include "data/error.h"
#include "data/readers/json_text.h"

namespace caravan::data {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMaxCells = std::size_t{1} << 16;  // of a record

}  // namespace

CsvRows::CsvRows(const std::string& path, char separator, const RowLimits& limits,
                 const ByteSourceOptions& options, bool has_header)
    : limits_(limits), window_(open_bytes(path, options)), separator_(separator) {
  while (window_.view().size() < kByteOrderMark.size() && window_.more()) {
  }
  if (window_.view().starts_with(kByteOrderMark)) window_.drop(kByteOrderMark.size());
  if (has_header) {
    read_header(path);
  } else {
    number_fields();
  }
}

void CsvRows::number_fields() {
  pending_ = read_record();
  for (std::size_t i = 0; pending_ && i < record_.num_cells; ++i)
    append_json_key(keys_.emplace_back(), std::to_string(i + 1));
}

// An empty file has no rows and needs no header.
void CsvRows::read_header(const std::string& path) {
  if (!read_record()) return;
  std::set<std::string> known;
  for (std::size_t i = 0; i < record_.num_cells; ++i) {
    const std::string& name = record_.cells[i];
    const std::string where = path + ":1: the header's field " + std::to_string(i + 1);
    if (!simdjson::validate_utf8(name.data(), name.size()))
      throw Error(Error::Kind::kData, where + " is no UTF-8; convert the file to UTF-8");
    if (!known.insert(name).second)
      throw Error(Error::Kind::kData,
                  where + " repeats the name \"" + name + "\"; names must differ, rename one");
    append_json_key(keys_.emplace_back(), name);
  }
  if (record_.problem != nullptr || record_.bytes > limits_.row_bytes)
    throw Error(Error::Kind::kData, path + ":1: the header is malformed (" +
                                        (record_.problem ? record_.problem : "line_too_long") +
                                        "); the first line must name the fields");
}

bool CsvRows::has_bytes() {
  return !window_.view().empty() || window_.more();
}

void CsvRows::keep(const char* bytes, std::size_t count) {
  record_.bytes += count;
  if (record_.bytes <= limits_.row_bytes) record_.cells[record_.num_cells - 1].append(bytes, count);
}

// Cells without bytes are no way around the limit on rows.
void CsvRows::begin_cell() {
  if (record_.num_cells < kMaxCells)
    ++record_.num_cells;
  else
    record_.bytes = limits_.row_bytes + 1;
  if (record_.num_cells > record_.cells.size()) record_.cells.emplace_back();
  record_.cells[record_.num_cells - 1].clear();
}

bool CsvRows::read_record() {
  record_.num_cells = 0;
  record_.bytes = 0;
  record_.problem = nullptr;
  record_.blank = false;
  record_.line = line_;
  if (!has_bytes()) return false;
  char end = separator_;
  while (end == separator_) {
    begin_cell();
    const bool quoted = has_bytes() && window_.view().front() == '"';
    end = quoted ? read_quoted() : read_plain();
    record_.blank = record_.num_cells == 1 && record_.bytes == 0 && !quoted && end != separator_;
  }
  return true;
}

// Up to the separator or the end of the line, which is taken off and returned; '\0' at the end of the file.
char CsvRows::read_plain() {
  while (has_bytes()) {
    const std::string_view view = window_.view();
    std::size_t at = 0;
    while (at < view.size() && view[at] != separator_ && view[at] != '\n' && view[at] != '\r') ++at;
    keep(view.data(), at);
    window_.drop(at);
    if (at == view.size()) continue;
    if (view[at] == '\r') {
      if (window_.view().size() < 2) window_.more();
      const bool line_end = window_.view().starts_with("\r\n") || window_.view().size() == 1;
      if (!line_end) keep("\r", 1);
      window_.drop(1);
      continue;
    }
    const char end = view[at];
    window_.drop(1);
    line_ += end == '\n';
    return end;
  }
  return '\0';
}

char CsvRows::read_quoted() {
  window_.drop(1);
  for (;;) {
    if (!has_bytes()) {
      record_.problem = "csv_unclosed_quote";
      return '\0';
    }
    const std::string_view view = window_.view();
    const std::size_t at = std::min(view.find('"'), view.size());
    keep(view.data(), at);
    line_ += static_cast<std::uint64_t>(
        std::count(view.begin(), view.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    window_.drop(at);
    if (at == view.size()) continue;
    window_.drop(1);
    if (!has_bytes() || window_.view().front() != '"') break;
    keep("\"", 1);
    window_.drop(1);
  }
  const std::size_t before = record_.bytes;
  const char end = read_plain();
  if (record_.bytes != before) record_.problem = "csv_text_after_quote";
  return end;
}

void CsvRows::add_row(RowBlock& block) const {
  RowBlock::Row row;
  row.begin = block.bytes.size();
  row.line = record_.line;
  row.too_long = record_.bytes > limits_.row_bytes;
  row.problem = record_.problem;
  if (row.problem == nullptr && !record_.blank && !row.too_long && record_.num_cells != keys_.size())
    row.problem = "csv_number_of_fields";
  if (row.problem == nullptr && !row.too_long && !record_.blank) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      block.bytes += i == 0 ? '{' : ',';
      block.bytes += keys_[i];
      append_json_string(block.bytes, record_.cells[i]);
    }
    block.bytes += '}';
  }
  row.length = block.bytes.size() - row.begin;
  block.rows.push_back(row);
}

bool CsvRows::next(RowBlock& block) {
  constexpr std::size_t kRowCost = 16;  // so that records without bytes make no endless block
  block.bytes.clear();
  block.rows.clear();
  block.index = blocks_;
  while (block.bytes.size() + block.rows.size() * kRowCost < limits_.block_bytes &&
         (pending_ || read_record())) {
    pending_ = false;
    add_row(block);
  }
  if (block.rows.empty()) return false;
  ++blocks_;
  return true;
}

}  // namespace caravan::data
