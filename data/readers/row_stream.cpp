#include "data/readers/row_stream.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "data/readers/file_list.h"
#include "data/readers/json_row.h"

namespace caravan::data {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

bool ReadWindow::more() {
  constexpr std::size_t kReadBytes = 256 << 10;
  if (ended_) return false;
  if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // Growing by half keeps a row of many megabytes linear.
  if (bytes_.size() < end_ + kReadBytes) bytes_.resize(std::max(end_ + kReadBytes, bytes_.size() * 3 / 2));
  const std::size_t got = source_->read(bytes_.data() + end_, bytes_.size() - end_);
  end_ += got;
  ended_ = got == 0;
  return !ended_;
}

RowStream::RowStream(const std::string& path, const RowLimits& limits, const ByteSourceOptions& options)
    : limits_(limits), window_(open_bytes(path, options)) {
  start(path);
}

void RowStream::start(const std::string& path) {
  const RowFileKind kind = is_pipe(path) ? RowFileKind::kJson : row_file_kind(path);
  while (window_.view().size() < kByteOrderMark.size() && window_.more()) {
  }
  if (window_.view().starts_with(kByteOrderMark)) {
    window_.drop(kByteOrderMark.size());
    byte_order_mark_ = true;
  }
  if (kind != RowFileKind::kJson) return;
  skip_space();
  if (window_.view().starts_with('[')) {
    array_ = true;
    window_.drop(1);
  }
}

bool RowStream::skip_space() {
  for (;;) {
    const std::size_t first = window_.view().find_first_not_of(kSpace);
    if (first != std::string_view::npos) {
      window_.drop(first);
      return true;
    }
    window_.drop(window_.view().size());
    if (!window_.more()) return false;
  }
}

bool RowStream::next(RowBlock& block) {
  block.bytes.clear();
  block.rows.clear();
  block.index = blocks_;
  // Rows without bytes (blank lines, rows that were too long) count a little, so that no file makes an
  // endless block.
  constexpr std::size_t kRowCost = 16;
  while (block.bytes.size() + block.rows.size() * kRowCost < limits_.block_bytes) {
    if (!(array_ ? next_element(block) : next_line(block))) break;
  }
  if (block.rows.empty()) return false;
  ++blocks_;
  return true;
}

void RowStream::add(RowBlock& block, std::string_view text, bool too_long) {
  if (too_long) text = {};
  block.rows.push_back(
      {block.bytes.size(), text.size(), ++rows_, byte_order_mark_, too_long, array_, nullptr});
  block.bytes.append(text);
  byte_order_mark_ = false;
}

bool RowStream::next_line(RowBlock& block) {
  std::size_t scanned = 0;
  bool too_long = false;
  bool any = false;
  for (;;) {
    const std::string_view view = window_.view();
    any = any || !view.empty();
    const std::size_t end = view.find('\n', scanned);
    if (end != std::string_view::npos) {
      add(block, view.substr(0, end), too_long || end > limits_.row_bytes);
      window_.drop(end + 1);
      return true;
    }
    scanned = view.size();
    if (too_long || scanned > limits_.row_bytes) {
      too_long = true;
      window_.drop(scanned);
      scanned = 0;
    }
    if (!window_.more()) break;
  }
  // The last line may lack its line feed.
  if (!any) return false;
  const std::string_view rest = window_.view();
  add(block, rest, too_long);
  window_.drop(rest.size());
  return true;
}

// Finds the comma or bracket that ends the element at the front of the window; `length` is what stands before
// it. At the end of the file `closer` is 0.
bool RowStream::scan_element(std::size_t& length, bool& too_long, char& closer) {
  std::size_t at = 0;
  std::uint64_t depth = 0;
  bool in_string = false;
  for (;;) {
    const std::string_view view = window_.view();
    while (at < view.size()) {
      if (in_string) {
        at = find_string_event(view, at);
        if (at >= view.size()) break;
        if (view[at] == '\\' && at + 1 >= view.size()) break;  // the escaped byte is not here yet
        in_string = view[at] != '"';
        at += view[at] == '\\' ? 2 : 1;
        continue;
      }
      const char c = view[at];
      if (depth == 0 && (c == ',' || c == ']' || c == '}')) {
        length = at;
        closer = c;
        too_long = too_long || length > limits_.row_bytes;
        return true;
      }
      in_string = c == '"';
      if (c == '[' || c == '{') ++depth;
      if (c == ']' || c == '}') --depth;
      ++at;
    }
    if (too_long || at > limits_.row_bytes) {
      too_long = true;
      window_.drop(at);
      at = 0;
    }
    if (!window_.more()) break;
  }
  length = window_.view().size();
  closer = '\0';
  return false;
}

// What is broken about the array itself becomes a row of its own that no parser accepts, so that it shows in
// the ledger.
bool RowStream::next_element(RowBlock& block) {
  const bool more = skip_space();
  if (array_closed_) {
    if (!more) return false;
    add(block, "]", false);
    window_.drop(window_.view().size());
    while (window_.more()) window_.drop(window_.view().size());
    return true;
  }
  if (rows_ == 0 && window_.view().starts_with(']')) {
    window_.drop(1);
    array_closed_ = true;
    return next_element(block);
  }
  std::size_t length = 0;
  bool too_long = false;
  char closer = '\0';
  const bool found = scan_element(length, too_long, closer);
  std::string_view text = window_.view().substr(0, length);
  while (!text.empty() && kSpace.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  if (!found || closer == '}') {
    // The array ends in the middle: the rest is one broken row, even where it would parse alone.
    add(block, "[", too_long);
    window_.drop(window_.view().size());
    array_closed_ = true;
    while (window_.more()) window_.drop(window_.view().size());
    return true;
  }
  add(block, text, too_long);
  window_.drop(length + 1);
  array_closed_ = closer == ']';
  return true;
}

bool holds_array(const std::string& path) {
  return row_file_kind(path) == RowFileKind::kJson && RowStream(path).is_array();
}

std::string row_word(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return "line";
  if (row_file_kind(path) == RowFileKind::kParquet) return "row";
  return holds_array(path) ? "element" : "line";
}

}  // namespace caravan::data
