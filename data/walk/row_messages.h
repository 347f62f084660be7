// Who says what in a row of any published shape, for commands that search rows and pass them on as they are.
//
// Goals: no text of the conversation is overlooked; one look at the row, memory reused. Non-goals: judging
// the row, its layout (converters do): a text without a known role gets one by the name of its key.
#pragma once

#include <string>
#include <vector>

#include "data/message.h"
#include "data/readers/json_row.h"

namespace caravan::data {

// Replaces `out.messages`, `id` and `source` by every text that a stage may train on, in the order of the row:
// the lists `messages`, `conversations`, `conversation`, and beside them `system`, `chosen`, `rejected` (texts,
// turns or lists of turns), `chosen_messages`, `rejected_messages` and `history`; where there is none of the
// three lists also the texts under instruction, input, question, problem, query, text, prompt (user) and
// output, completion, response, answer, solution (assistant). Contents that are lists give their texts.
// False where the row has none of these. `keep_extra`: further members of a message become its `extra`;
// without, the texts of its reasoning and of its tool calls stand behind its content, a line each.
bool read_row_messages(const JsonValue& row, bool keep_extra, Conversation& out);

// The one conversation of a row: its list, with a `system` text before `conversations`; of a row without a
// list as read_row_messages. Further members of a message become its `extra`.
bool read_listed_messages(const JsonValue& row, Conversation& out);

// The conversations that a row trains on: the one that read_row_messages reads; of a row with a chosen and a
// rejected side two, each behind the prompt or the `conversations` (an answer that is a list and begins with
// the prompt's turns brings them itself). Resizes `sides`; false as read_row_messages.
bool read_row_sides(const JsonValue& row, std::vector<Conversation>& sides);

// What a row asks, for commands that ask it again: the list where it has one (with its system turn), of a
// pair the prompt and the chosen answer; of texts under keys one question (prompt, question, instruction with
// its input behind a blank line, problem, query, text, input: the first that there is) before the answers,
// whatever the order of the row. Replaces `out`. False, and no messages, where the row has none of these, or
// where a turn is more than its text: a tool call, an image, no role.
bool read_asked_messages(const JsonValue& row, Conversation& out);

}  // namespace caravan::data
