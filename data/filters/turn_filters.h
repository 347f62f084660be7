// Filters of the turns of a conversation: who speaks, in which order, and whether anything is said.
#pragma once

#include "data/filters/row_filter.h"

namespace caravan::data {

// empty_turn:ROLE, missing_turns:ROLE. `to_the_letter`: as the reference, for which a tool call without text
// is empty too, and a conversation without user or assistant is none of its business.
std::unique_ptr<RowFilter> make_empty_turns_filter(bool to_the_letter);

// role_order:assistant_first, :consecutive_ROLE, :second_system, :system_not_first, :tool_without_call,
// :unknown_role, :ends_with_ROLE. Of each conversation the first break of order counts.
std::unique_ptr<RowFilter> make_role_order_filter();

// duplicate_system:repeated, duplicate_system:first_user.
std::unique_ptr<RowFilter> make_duplicate_system_filter();

// moderation:toxic, moderation:redacted, moderation:flagged, as WildChat and LMSYS-Chat publish them: members
// `toxic` and `redacted` of the row or a turn, `flagged` in the row's or a turn's `openai_moderation`.
std::unique_ptr<RowFilter> make_moderation_filter();

}  // namespace caravan::data
