// From rows of a layout to lines of records with their ids: what a block of rows becomes.
//
// The id of a record is the row's own (`id`, a text or a number), or the layout's (a tree's), else SOURCE_N
// with N counting the source's rows from 0; several records of one row are ID.0, ID.1, ...; an id that the
// output had before becomes ID#2 and the row is reported as repaired:duplicate_id.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/converters/converter.h"
#include "data/readers/seen_ids.h"
#include "data/walk/block_fates.h"

namespace caravan::data {

// How the rows of one input file are converted.
struct FileConversion {
  const Converter* converter = nullptr;
  std::string source;
};

struct ConvertPlan {
  std::vector<FileConversion> files;
  ConvertOptions options;
  bool keep_fields = false;   // also the members of turns that are no part of the record
  bool count_by_file = true;  // N of an id counts within the file, else over all files
};

// What one row became, before ids are known to be unique.
struct PendingRow {
  WalkRow row;  // without json
  std::string id;
  RowFate fate = RowFate::kKept;
  std::vector<std::string> reasons;
  struct Record {
    std::string id;
    std::size_t begin = 0, length = 0;  // in PendingBlock::text: the line behind {"id":...
  };
  std::vector<Record> records;
  GroupedRow grouped;  // of grouped layouts; the fate is kept then
};

struct PendingBlock {
  std::vector<PendingRow> rows;
  std::string text;
  std::map<std::string, std::uint64_t> left_out;  // members of turns that were not kept: how many turns
};

// Converts the rows of a block: called by many threads.
void convert_block(const WalkBlock& block, const ConvertPlan& plan, JsonRow& json, PendingBlock& out);

// Gives the ids: called in the order of the rows.
class RecordIds {
 public:
  // Appends the block's rows to `fates`.
  void finish(PendingBlock& block, BlockFates& fates);

 private:
  bool claim(std::string& id);

  SeenIds seen_;
  std::unordered_map<std::string, std::uint64_t> repeated_;
  std::vector<BlockFates::Made> made_;
};

// Holds the rows of grouped layouts until all are read.
class GroupedRows {
 public:
  explicit GroupedRows(const ConvertPlan& plan) : plan_(plan) {}
  void take(PendingBlock& block);
  // Verdicts and lines of all rows, in their order, block by block through `sink`.
  template <class Sink>
  void finish(Sink sink) {
    std::vector<GroupVerdict> verdicts = decide();
    constexpr std::size_t kRowsAtOnce = 4096;
    for (std::size_t first = 0; first < rows_.size(); first += kRowsAtOnce) {
      PendingBlock block = settle(first, std::min(rows_.size(), first + kRowsAtOnce), verdicts);
      sink(block);
    }
  }

 private:
  std::vector<GroupVerdict> decide() const;
  PendingBlock settle(std::size_t first, std::size_t last, std::vector<GroupVerdict>& verdicts);

  const ConvertPlan& plan_;
  std::vector<PendingRow> rows_;
  std::size_t next_verdict_ = 0;
};

}  // namespace caravan::data
