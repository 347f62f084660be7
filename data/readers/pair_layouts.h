// Rows that compare or judge answers: two conversations of one prompt, or one with a verdict. Private to the
// readers and converters.
#pragma once

#include <optional>
#include <vector>

#include "data/readers/row_layouts.h"

namespace caravan::data {

// Whether a row has the keys of a pair: chosen and rejected, or chosen_messages and rejected_messages.
bool fits_pair(const JsonValue& row);
// Whether it has a `label` that is true or false.
bool fits_label(const JsonValue& row);

// Both sides whole, prompt included: lists of messages (a `prompt` list may stand before both), a prompt text
// and two answers, or ShareGPT `conversations` and a turn for each side. Drops as the other layouts do.
void read_pair_row(const JsonValue& row, std::vector<Message>& chosen, std::vector<Message>& rejected,
                   RowNotes& notes);
// By how much chosen is better: `margin` of the row, or of its `preference` as caravan prefer writes it, or
// the difference of both sides' scores or ratings. Nothing where there is none, or no difference of two
// scores can be so large.
std::optional<float> read_margin(const JsonValue& row);
// True, false, or these words as text, which is noted. Drops with missing_field:label, wrong_type:label.
bool read_label(const JsonValue& row, RowNotes& notes);

bool equal_turns(const std::vector<Message>& a, const std::vector<Message>& b);
// Whether all turns but the last are the same.
bool equal_prompts(const std::vector<Message>& a, const std::vector<Message>& b);

}  // namespace caravan::data
