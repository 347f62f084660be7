// The rows of one file as conversations, one after the other.
//
// Goals: every row is reported once, in file order, with its fate and line. Memory is constant but for 8
// bytes per row that remember which ids were seen. Non-goals: threads (the loader parses blocks in parallel
// by itself). State: the place in the file.
#pragma once

#include <cstdint>
#include <string>

#include "data/readers/row.h"
#include "data/readers/row_source.h"
#include "data/readers/seen_ids.h"

namespace caravan::data {

class Reader {
 public:
  // `format` auto looks at the first rows. `source` names the rows and is the stem of the ids of those
  // without one. Throws data::Error as list_files, detect_format and open_rows do.
  Reader(const std::string& path, RowFormat format, std::string source, std::uint32_t file = 0,
         const RowLimits& limits = {});

  // False at the end. `conversation` is filled where the fate is kept or repaired; its `where` always. An id
  // that the file had before is replaced by SOURCE_LINE and the row reported as repaired:duplicate_id. Throws
  // data::Error on damaged files.
  bool next(RowOutcome& outcome, Conversation& conversation);
  RowFormat format() const { return format_; }

 private:
  void replace_known_id(RowOutcome& outcome, Conversation& conversation);

  std::string source_;
  RowFormat format_;
  std::uint32_t file_;
  std::unique_ptr<RowSource> stream_;
  RowBlock block_;
  std::size_t row_ = 0;
  JsonRow json_;
  SeenIds ids_;
};

}  // namespace caravan::data
