// What becomes of the rows of one block, in their order, and the lines that are written for them.
//
// Filled by a thread of the walk (or by its ordered part, where a decision needs the rows before), then given
// to FateLedger::take. Every row of the block gets exactly one call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/walk/row_walk.h"

namespace caravan::data {

// XXH3-128 of a row's bytes, as 32 hex digits: how the ledger of one command finds a row in that of the next.
std::string row_hash(std::string_view bytes);

// The bytes of a row as one line: an element of an array may run over several, and a line of jsonl may not.
// `memory` holds them where they had to change.
std::string_view one_line(const WalkRow& row, std::string& memory);

class BlockFates {
 public:
  struct Line {
    std::size_t length = 0;    // in lines(), line feed included
    std::string id, hash;      // where details are wanted
    std::uint64_t number = 0;  // of the line in the output, from 1; 0: the next one
  };
  struct Row {
    SourceLine where;
    RowFate fate = RowFate::kKept;
    std::vector<std::string> reasons;
    std::vector<std::string> excerpts;  // for each reason, where samples of rows are wanted and it has one
    std::uint32_t num_lines = 0;
    std::string_view bytes;  // as long as the block
    std::string id, hash;    // where details are wanted
    std::string more;        // further members for the ledger's line: "\"near\":\"a.jsonl:7\""
  };

  // `details`: ids and hashes are kept for a ledger file; without it only counts matter.
  void clear(bool details);

  // Written with its own bytes, unchanged. Reasons may be warnings.
  void keep(const WalkRow& row, std::vector<std::string> reasons = {});
  // Written as other lines: JSON objects without line feed, each with its id.
  struct Made {
    std::string text, id;
    std::string_view rest = {};  // of the line, behind `text`
  };
  void make(const WalkRow& row, std::span<const Made> made, std::vector<std::string> reasons, RowFate fate);
  // The row becomes the lines `numbers` of an output that is not in the order of the walk; `text`, an object
  // without line feed, stands once in lines().
  void place(const WalkRow& row, std::string_view text, const std::string& id,
             std::span<const std::uint64_t> numbers, std::vector<std::string> reasons);
  void drop(const WalkRow& row, std::string reason);
  // For several reasons, each counted.
  void drop(const WalkRow& row, std::vector<std::string> reasons);
  // A row that is no JSON object: blank lines are ignored, all else is dropped.
  void refuse(const WalkRow& row);
  void merge(const WalkRow& row, std::vector<std::string> reasons);
  // Of the row that was added last: further members of its line in the ledger; another fate than the call
  // gave; what samples show of it; the id of a row that was not parsed, and the hash of one whose bytes are
  // gone (empty: as computed).
  void tell_more(std::string members) { rows_.back().more = std::move(members); }
  void show(std::vector<std::string> excerpts) { rows_.back().excerpts = std::move(excerpts); }
  void set_fate(RowFate fate) { rows_.back().fate = fate; }
  void describe(std::string id, const std::string& hash = {});

  const std::string& lines() const { return lines_; }
  const std::vector<Row>& rows() const { return rows_; }
  const std::vector<Line>& line_list() const { return line_list_; }

 private:
  Row& add(const WalkRow& row, RowFate fate);
  void add_line(std::string_view text, std::string id, std::string_view rest = {});

  bool details_ = false;
  std::string lines_;
  std::vector<Row> rows_;
  std::vector<Line> line_list_;
};

}  // namespace caravan::data
