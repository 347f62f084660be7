#include "data/readers/reader.h"

#include <xxhash.h>

#include "data/readers/detect.h"

namespace caravan::data {

Reader::Reader(const std::string& path, RowFormat format, std::string source, std::uint32_t file,
               const RowLimits& limits)
    : source_(std::move(source)),
      format_(format == RowFormat::kAuto ? detect_format(path) : format),
      file_(file),
      stream_(open_rows(path, limits)) {}

bool Reader::next(RowOutcome& outcome, Conversation& conversation) {
  if (row_ == block_.rows.size()) {
    if (!stream_->next(block_)) return false;
    row_ = 0;
  }
  const RowBlock::Row& row = block_.rows[row_++];
  const RowContext context = context_of(row, source_, file_);
  outcome = parse_row(block_.text(row), format_, context, json_, conversation);
  conversation.where = context.where;
  if (outcome.fate == RowFate::kKept || outcome.fate == RowFate::kRepaired)
    replace_known_id(outcome, conversation);
  return true;
}

void Reader::replace_known_id(RowOutcome& outcome, Conversation& conversation) {
  if (ids_.insert(XXH3_64bits(conversation.id.data(), conversation.id.size()))) return;
  conversation.id = source_ + "_" + std::to_string(conversation.where.line - 1);
  outcome.fate = RowFate::kRepaired;
  outcome.reasons.emplace_back("repaired:duplicate_id");
}

}  // namespace caravan::data
