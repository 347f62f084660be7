#include "data/loader/row_tokens.h"

namespace caravan::data {

std::string place_of_row(const std::string& file, const RowBlock::Row& row) {
  return file + (row.in_array ? ", element " : ":") + std::to_string(row.line);
}

bool tokenize_row(std::string_view text, const RowBlock::Row& row, const std::string& file, RowFormat format,
                  const ConversationTokenizer& tokenizer, RowMemory& memory, TokenizedRow& out) {
  const RowContext context = context_of(row, "row", 0);
  const RowOutcome outcome = parse_training_row(text, format, context, memory.json, memory.row);
  if (outcome.fate == RowFate::kIgnored) return false;
  const std::string where = place_of_row(file, row);
  if (outcome.fate == RowFate::kDropped) {
    out.clear();
  } else if (kind_of(format) == RowKind::kPair) {
    tokenizer.tokenize_pair(memory.row.conversation, memory.row.rejected, where, memory.rejected, out);
    if (memory.row.margin) out.margin = *memory.row.margin;
  } else {
    tokenizer.tokenize(memory.row.conversation, where, out);
    if (kind_of(format) == RowKind::kLabelled && out.fate != Fate::kDropped)
      out.role = memory.row.label ? DocumentRole::kDesirable : DocumentRole::kUndesirable;
  }
  // What the reader noted matters for rows that are used and for those it dropped itself.
  if (out.fate != Fate::kDropped || outcome.fate == RowFate::kDropped)
    for (const std::string& reason : outcome.reasons) out.add_reason(reason);
  return true;
}

}  // namespace caravan::data
