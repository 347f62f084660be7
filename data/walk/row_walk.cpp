#include "data/walk/row_walk.h"

#include <sched.h>
#include <xxhash.h>

#include <algorithm>

#include "data/error.h"

namespace caravan::data {

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

std::string WalkRow::id() const {
  if (!sound()) return {};
  const std::optional<JsonValue> value = root().find("id");
  const bool usable = value && (value->is(JsonValue::Type::kString) || value->is(JsonValue::Type::kNumber));
  return usable ? value->text() : std::string();
}

WalkRow unparsed_row(const WalkBlock& block, std::size_t index) {
  const RowBlock::Row& row = block.rows.rows[index];
  WalkRow walked;
  walked.number = block.first_row + index;
  walked.where = {block.file, row.line};
  walked.bytes = block.rows.text(row);
  if (walked.bytes.ends_with('\r')) walked.bytes.remove_suffix(1);
  walked.context = context_of(row, {}, block.file);
  return walked;
}

WalkRow walk_row(const WalkBlock& block, std::size_t index, JsonRow& json) {
  WalkRow walked = unparsed_row(block, index);
  walked.problem = read_object(walked.bytes, walked.context, json);
  walked.json = &json;
  return walked;
}

RowWalk::RowWalk(std::vector<std::string> files, WalkOptions options)
    : files_(std::move(files)),
      options_(std::move(options)),
      threads_(options_.threads == 0 ? usable_cores() : options_.threads) {}

bool RowWalk::next(WalkBlock& block) {
  if (options_.stop && options_.stop()) {
    throw Error(Error::Kind::kInterrupted, "stopped on request; nothing was written, run the command again");
  }
  for (; file_ < files_.size(); ++file_) {
    if (!source_) {
      hash_.reset();
      source_ =
          open_rows(files_[file_], options_.limits, {options_.hash_files ? &hash_ : nullptr, options_.stop});
      read_.push_back({.path = files_[file_]});
      file_first_row_ = rows_;
    }
    if (source_->next(block.rows)) {
      block.file = static_cast<std::uint32_t>(file_);
      block.first_row = rows_;
      block.file_first_row = file_first_row_;
      count_block(block.rows);
      return true;
    }
    FileRead& file = read_.back();
    file.bytes = source_->file_bytes_read();
    if (options_.hash_files) file.sha256 = hash_.hex();
    source_.reset();
  }
  return false;
}

void RowWalk::count_block(const RowBlock& rows) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  FileRead& file = read_.back();
  file.rows += rows.rows.size();
  rows_ += rows.rows.size();
  if (!options_.print_rows) return;
  for (const RowBlock::Row& row : rows.rows) file.fingerprint = (file.fingerprint ^ row.length) * kFactor;
  file.fingerprint = XXH3_64bits_withSeed(rows.bytes.data(), rows.bytes.size(), file.fingerprint);
}

}  // namespace caravan::data
