// OpenAssistant: trees of messages, nested or as a flat table, to conversations and to ranked pairs.
#pragma once

#include "data/converters/converter.h"

namespace caravan::data {

// {"message_tree_id", "prompt": {text, role, replies: [...]}}, or such a message itself.
bool fits_oasst(const JsonValue& row);
// Each path to an assistant that nobody answered, following the top_k replies by quality label at each turn
// (a label that is missing counts 0; equal ones keep their order). Deleted messages and what hangs below them
// are left out first.
void convert_oasst(const JsonValue& row, Conversion& out);

// Wherever annotators ranked at least two replies of the assistant: the best against the worst.
void convert_oasst_pairs(const JsonValue& row, Conversion& out);

// A message a row: message_id, parent_id, text, role. The record is that of the tree; its root's row has it.
bool fits_oasst_flat(const JsonValue& row);
GroupedRow read_oasst_flat(const JsonValue& row, RowNotes& notes);
std::vector<GroupVerdict> group_oasst_flat(const std::vector<GroupedRow>& rows,
                                           const ConvertOptions& options);

}  // namespace caravan::data
