#include "data/walk/block_fates.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>

namespace caravan::data {

std::string row_hash(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  char text[33];
  std::snprintf(text, sizeof(text), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

std::string_view one_line(const WalkRow& row, std::string& memory) {
  if (!row.context.in_array || row.bytes.find('\n') == std::string_view::npos) return row.bytes;
  memory = row.bytes;
  std::erase_if(memory, [](char c) { return c == '\n' || c == '\r'; });
  return memory;
}

void BlockFates::clear(bool details) {
  details_ = details;
  lines_.clear();
  rows_.clear();
  line_list_.clear();
}

BlockFates::Row& BlockFates::add(const WalkRow& row, RowFate fate) {
  Row& added = rows_.emplace_back();
  added.where = row.where;
  added.fate = fate;
  if (details_) {
    if (row.json != nullptr) added.id = row.id();
    added.hash = row_hash(row.bytes);
  }
  added.bytes = row.bytes;
  return added;
}

void BlockFates::add_line(std::string_view text, std::string id, std::string_view rest) {
  const std::size_t begin = lines_.size();
  lines_ += text;
  lines_ += rest;
  Line& line = line_list_.emplace_back();
  line.length = lines_.size() - begin + 1;
  if (details_) {
    line.hash = row_hash(std::string_view(lines_).substr(begin));
    line.id = std::move(id);
  }
  lines_ += '\n';
  ++rows_.back().num_lines;
}

void BlockFates::keep(const WalkRow& row, std::vector<std::string> reasons) {
  Row& added = add(row, row.context.byte_order_mark ? RowFate::kRepaired : RowFate::kKept);
  added.reasons = std::move(reasons);
  if (row.context.byte_order_mark) added.reasons.emplace_back("repaired:byte_order_mark");
  std::string flat;
  add_line(one_line(row, flat), added.id);
}

void BlockFates::place(const WalkRow& row, std::string_view text, const std::string& id,
                       std::span<const std::uint64_t> numbers, std::vector<std::string> reasons) {
  const bool repaired = std::any_of(reasons.begin(), reasons.end(), [](const std::string& reason) {
    return reason.starts_with("repaired:");
  });
  add(row, repaired ? RowFate::kRepaired : RowFate::kKept).reasons = std::move(reasons);
  add_line(text, id);
  line_list_.back().number = numbers[0];
  for (const std::uint64_t number : numbers.subspan(1)) {
    Line copy = line_list_.back();
    copy.length = 0;  // its bytes are there
    copy.number = number;
    line_list_.push_back(std::move(copy));
    ++rows_.back().num_lines;
  }
}

void BlockFates::make(const WalkRow& row, std::span<const Made> made, std::vector<std::string> reasons,
                      RowFate fate) {
  add(row, fate).reasons = std::move(reasons);
  for (const Made& line : made) add_line(line.text, line.id, line.rest);
}

void BlockFates::drop(const WalkRow& row, std::string reason) {
  add(row, RowFate::kDropped).reasons.push_back(std::move(reason));
}

void BlockFates::drop(const WalkRow& row, std::vector<std::string> reasons) {
  add(row, RowFate::kDropped).reasons = std::move(reasons);
}

void BlockFates::describe(std::string id, const std::string& hash) {
  if (!details_) return;
  Row& row = rows_.back();
  row.id = std::move(id);
  if (row.num_lines == 1 && line_list_.back().id.empty()) line_list_.back().id = row.id;
  if (!hash.empty()) rows_.back().hash = hash;
}

void BlockFates::refuse(const WalkRow& row) {
  add(row, row.blank() ? RowFate::kIgnored : RowFate::kDropped).reasons.emplace_back(row.problem);
}

void BlockFates::merge(const WalkRow& row, std::vector<std::string> reasons) {
  add(row, RowFate::kMerged).reasons = std::move(reasons);
}

}  // namespace caravan::data
