// The review file: rows that a person decides on. Written as review.jsonl, one row a line; the person sets
// `decision` to keep, drop or edit (and then changes the contents under `messages`), and the file is given
// back with --apply-review.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/decontamination/finding.h"

namespace caravan::data {

enum class Decision : std::uint8_t { kUndecided, kKeep, kDrop, kEdit };

struct ReviewedRow {
  Decision decision = Decision::kUndecided;
  std::string where;  // REVIEW_FILE:LINE
  Json messages;      // kEdit: what the row is to say instead
};

// Ends without a line feed. `decision` is what an earlier review said of the row.
std::string review_line(const Finding& finding, const EvalItems& eval, std::string_view measure,
                        Decision decision = Decision::kUndecided);

// Decisions by the SHA-256 of their rows.
class ReviewedRows {
 public:
  // Throws data::Error: a file that cannot be read, a line that is no review line, a decision that is none of
  // the four, a row twice with two decisions, messages that were changed without `edit`, an edit that changes
  // nothing or leaves no list of role and content.
  static ReviewedRows read(const std::string& path);

  const ReviewedRow* find(const std::string& row_sha256) const {
    const auto found = rows_.find(row_sha256);
    return found == rows_.end() ? nullptr : &found->second;
  }
  const std::map<std::string, ReviewedRow>& all() const { return rows_; }

 private:
  void add(const Json& line, const std::string& where);
  std::map<std::string, ReviewedRow> rows_;
};

// Messages of a row as the review file shows them; its SHA-256 tells whether a person changed them.
Json messages_json(const Conversation& row);

}  // namespace caravan::data
